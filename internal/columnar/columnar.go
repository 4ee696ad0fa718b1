// Package columnar turns canonical payloads into Arrow columns. There is one
// path for protobuf and JSON: a payload in canonical form and an Arrow schema,
// which comes from a descriptor (decode.Event.Schema) or from Inference.
//
// It never casts silently. A value lands in its column exactly, or the row is
// refused with a *Deviation that says what was wanted and what was found, and
// nothing of the row stays behind. What a caller does then is its contract:
//
//	evolve       Evolve gives a schema with the new and the losslessly widened
//	             columns; append again to a Builder of that schema
//	variant      as evolve, then Variant adds a column NAME__TYPE for what is left
//	freeze       WithUnknown gives the schema a column that keeps new members
//	dead_letter  a strict Builder refuses whatever deviates
//
// The member of a payload that a column holds is told by the column's
// metadata. A column without metadata, as a warehouse returns it, holds the
// member for which ColumnName gives its name.
package columnar

import (
	"fmt"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
)

// Keys of the metadata of fields.
const (
	MetaName     = "tidemill.name"     // the JSON member that the column holds
	MetaPresence = "tidemill.presence" // PresenceImplicit, or absent
	MetaZero     = "tidemill.zero"     // the zero value of an enum, a name
	MetaForm     = "tidemill.form"     // how the payload writes the value, where JSON has several ways
)

// PresenceImplicit says that a missing member means the zero value, not null.
const PresenceImplicit = "implicit"

// The values of MetaForm.
const (
	FormText = "text" // a number written as a string, as protobuf's 64-bit integers are
	FormEnum = "enum" // a name, or the number of an unknown value
)

// UnknownColumn keeps what no other column holds: the members that the schema
// does not have, as one JSON object, with unknown protobuf fields in base64
// under the same name. Within a nested message the member keeps its place.
const UnknownColumn = "_unknown"

// Deviation says how a payload does not fit a schema. It is the error of
// Builder.Append.
type Deviation struct {
	New     []arrow.Field // members that have no column; the type is inferred
	Changed []Change
}

// Change is a value that its column cannot hold.
type Change struct {
	Column string         // the column of the table
	Member string         // the payload's member that it holds
	Path   string         // where the value is, as customer.id; equal to Column at the top
	Want   arrow.DataType // of the value at Path
	Found  arrow.DataType // that could hold the value at Path
	Whole  arrow.DataType // that could hold the whole member; equal to Found at the top
}

// Error names every column, what it is and what came.
func (d *Deviation) Error() string {
	var parts []string
	for _, c := range d.Changed {
		parts = append(parts, fmt.Sprintf("column %q is %s, the value is %s", c.Path, TypeName(c.Want), TypeName(c.Found)))
	}
	for _, f := range d.New {
		parts = append(parts, fmt.Sprintf("column %q (%s) is new", f.Name, TypeName(f.Type)))
	}
	return strings.Join(parts, "; ")
}

// TypeName returns a short word for t: for messages, and for the names of
// variant columns.
func TypeName(t arrow.DataType) string {
	switch t.ID() {
	case arrow.EXTENSION:
		return strings.TrimPrefix(t.(arrow.ExtensionType).ExtensionName(), "arrow.")
	case arrow.STRING, arrow.LARGE_STRING:
		return "string"
	case arrow.DECIMAL128:
		return "decimal"
	case arrow.LIST, arrow.STRUCT, arrow.MAP, arrow.TIMESTAMP:
		return t.Name()
	}
	return t.Name()
}

// HasUnknown reports whether s keeps members that it has no column for.
func HasUnknown(s *arrow.Schema) bool { return len(s.FieldIndices(UnknownColumn)) > 0 }

// WithUnknown returns s with UnknownColumn.
func WithUnknown(s *arrow.Schema) *arrow.Schema {
	if HasUnknown(s) {
		return s
	}
	return withFields(s, unknownField())
}

func withFields(s *arrow.Schema, more ...arrow.Field) *arrow.Schema {
	meta := s.Metadata()
	return arrow.NewSchema(append(append([]arrow.Field(nil), s.Fields()...), more...), &meta)
}
