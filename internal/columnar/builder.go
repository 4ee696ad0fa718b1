package columnar

import (
	"errors"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/tidemill/tidemill/internal/canon"
)

// Builder builds the columns of one schema from payloads. It is not safe for
// concurrent use.
type Builder struct {
	schema  *arrow.Schema
	strict  bool
	build   *array.RecordBuilder
	top     object
	late    map[string]int // columns whose members are known by the hash in their names only
	unknown *array.StringBuilder
	doc     canon.Doc
	scratch []byte
	rows    int
}

// NewBuilder returns a Builder for s, a schema without the system columns
// (see Payload). A strict one refuses members that have no column even where
// s has UnknownColumn. A column whose type cannot be filled from a payload
// holds nulls and deviates when a value comes for it.
func NewBuilder(mem memory.Allocator, s *arrow.Schema, strict bool) *Builder {
	b := &Builder{schema: s, strict: strict, build: array.NewRecordBuilder(mem, s), late: make(map[string]int)}
	known := slices.Clone(s.Fields())
	for i, f := range s.Fields() {
		if f.Name == UnknownColumn {
			if ext, ok := b.build.Field(i).(*array.ExtensionBuilder); ok {
				b.unknown, _ = ext.StorageBuilder().(*array.StringBuilder)
			} else {
				b.unknown, _ = b.build.Field(i).(*array.StringBuilder)
			}
			if b.unknown != nil {
				continue
			}
		}
		name := member(f)
		if _, told := f.Metadata.GetValue(MetaName); !told {
			if base := variantOf(s, f); base != "" {
				name = base
			} else if looksHashed(f.Name) {
				b.late[f.Name] = i
			}
			if _, late := b.late[name]; !late {
				known[i].Metadata = holds(name)
			}
		}
		b.top.add(name, newCell(f, b.build.Field(i)), i)
	}
	b.top.sort()
	b.learn(known)
	return b
}

// variantOf returns the member whose other values f holds, by its name alone.
func variantOf(s *arrow.Schema, f arrow.Field) string {
	base, _, ok := strings.Cut(f.Name, "__")
	if !ok {
		return ""
	}
	for _, g := range s.Fields() {
		if g.Name == base && variantName(base, f.Type) == f.Name {
			return member(g)
		}
	}
	return ""
}

// Len returns the number of rows that were appended since the last Record.
func (b *Builder) Len() int { return b.rows }

// Schema returns the schema that NewBuilder was given, and in its metadata
// which member each column holds, as far as that is known by now.
func (b *Builder) Schema() *arrow.Schema { return b.schema }

// Record returns the rows and begins anew. The caller releases it.
func (b *Builder) Record() arrow.RecordBatch {
	rows := b.rows
	b.rows = 0
	if b.schema.NumFields() == 0 { // the columns cannot tell the number of rows
		return array.NewRecordBatch(b.schema, nil, int64(rows))
	}
	return b.build.NewRecordBatch()
}

// Release frees the memory of rows that were not taken.
func (b *Builder) Release() { b.build.Release() }

// Append adds one row of the canonical payload, an object. On an error, a
// *Deviation where the payload does not fit, the row has left nothing behind.
func (b *Builder) Append(payload []byte) error {
	v, err := b.doc.Parse(payload)
	if err != nil {
		return err
	}
	if v.Kind() != canon.Object {
		return errors.New("the payload is not an object")
	}
	rest, err := b.check(v)
	if err != nil {
		return err
	}
	b.top.appendChosen()
	b.rows++
	switch {
	case b.unknown == nil:
	case !rest:
		b.unknown.AppendNull()
	default:
		b.scratch, _ = b.top.rest(b.scratch[:0], v)
		b.unknown.BinaryBuilder.Append(b.scratch)
	}
	return nil
}

// check finds the column of every member, and reports whether something is
// left for UnknownColumn.
func (b *Builder) check(v canon.Value) (rest bool, err error) {
	var dev *Deviation
	deviate := func() *Deviation {
		if dev == nil {
			dev = new(Deviation)
		}
		return dev
	}
	b.top.reset()
	at := 0
	for name, value := range v.Members() {
		i, found := b.top.find(name.Bytes(), at)
		if !found && len(b.late) > 0 && b.bind(name.Bytes()) {
			i, found = b.top.find(name.Bytes(), 0)
		}
		at = i
		switch {
		case value.Kind() == canon.Null:
			continue
		case !found && (b.strict || b.unknown == nil):
			deviate().New = append(deviate().New, b.newColumn(string(name.Bytes()), value))
			continue
		case !found:
			rest = true
			continue
		}
		left, change := b.top.choose(i, value)
		rest = rest || left
		if change != nil {
			change.Column = b.schema.Field(b.top.members[i].column).Name
			change.Path = change.Column + change.Path
			deviate().Changed = append(deviate().Changed, *change)
		}
	}
	if rest && dev == nil && (b.strict || b.unknown == nil) {
		deviate().New = []arrow.Field{unknownField()}
	}
	if dev != nil {
		return false, dev
	}
	return rest, nil
}

func (b *Builder) newColumn(name string, v canon.Value) arrow.Field {
	if name == UnknownColumn {
		return unknownField()
	}
	return newField(b.schema.Fields(), name, typeOf(v))
}

// bind finds the column of a member by the hash in its name.
func (b *Builder) bind(name []byte) bool {
	column := hashedName(string(name))
	i, ok := b.late[column]
	if ok {
		b.top.rename(column, string(name))
		delete(b.late, column)
		known := slices.Clone(b.schema.Fields())
		for j, f := range known {
			if j == i || variantOf(b.schema, f) == column {
				known[j].Metadata = holds(string(name))
			}
		}
		b.learn(known)
	}
	return ok && i >= 0
}

// learn writes down which members the columns hold, so that a column that is
// added later cannot change what their names mean.
func (b *Builder) learn(fields []arrow.Field) {
	meta := b.schema.Metadata()
	b.schema = arrow.NewSchema(fields, &meta)
}

func holds(member string) arrow.Metadata {
	return arrow.NewMetadata([]string{MetaName}, []string{member})
}

func looksHashed(name string) bool {
	if len(name) < 10 || name[len(name)-9] != '_' {
		return false
	}
	for _, c := range []byte(name[len(name)-8:]) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}
