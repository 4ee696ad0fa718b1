package render

import (
	"fmt"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/internal/ident"
	"github.com/tidemill/tidemill/jinja"
	"github.com/tidemill/tidemill/pipeline/build/manifest"
)

// The types of relations.
const (
	TableType = "table"
	ViewType  = "view"
	CTEType   = "cte"
)

// Relation is a table or view as templates see it; as text it is its quoted
// name.
type Relation struct {
	manifest.Relation
	Type    string // "" where nobody has looked
	dialect tidemill.Dialect
	current string // the database of the session, which is left out of names
	parts   [3]bool
}

// NewRelation returns r. current is the database of the session.
func NewRelation(d tidemill.Dialect, current string, r manifest.Relation, typ string) *Relation {
	return &Relation{Relation: r, Type: typ, dialect: d, current: current, parts: [3]bool{r.Database != current, true, true}}
}

// CTE returns the relation of an ephemeral model: a name alone.
func CTE(d tidemill.Dialect, name string) *Relation {
	return &Relation{Relation: manifest.Relation{Identifier: name}, Type: CTEType, dialect: d, parts: [3]bool{false, false, true}}
}

// SQL returns the quoted name, without a database that is the session's own.
func (r *Relation) SQL() (string, error) {
	if r.Type == CTEType {
		return r.Identifier, nil
	}
	var out string
	for i, part := range []string{r.Database, r.Schema, r.Identifier} {
		if part == "" || !r.parts[i] {
			continue
		}
		q, err := ident.Quote(r.dialect, part)
		if err != nil {
			return "", err
		}
		if out != "" {
			out += "."
		}
		out += q
	}
	return out, nil
}

// String returns SQL; a name that cannot be quoted shows as it is, and fails
// in the warehouse.
func (r *Relation) String() string {
	s, err := r.SQL()
	if err != nil {
		return r.Relation.String()
	}
	return s
}

// Equal holds for the same name.
func (r *Relation) Equal(other any) bool {
	o, ok := other.(*Relation)
	return ok && o.Relation == r.Relation
}

// GetAttr returns a part, a type test, or a function that makes another form.
func (r *Relation) GetAttr(name string) (any, bool) {
	switch name {
	case "database":
		return text(r.Database), true
	case "schema":
		return text(r.Schema), true
	case "identifier", "name", "table", "alias":
		return r.Identifier, true
	case "type":
		return text(r.Type), true
	case "is_table":
		return r.Type == TableType, true
	case "is_view":
		return r.Type == ViewType, true
	case "is_cte":
		return r.Type == CTEType, true
	case "render":
		return jinja.Func(func(*jinja.Call) (any, error) { return r.SQL() }), true
	case "include":
		return jinja.Func(r.include), true
	case "without_identifier":
		return jinja.Func(func(*jinja.Call) (any, error) {
			out := *r
			out.parts[2] = false
			return &out, nil
		}), true
	}
	return nil, false
}

// include keeps the parts that are true, of those that are named.
func (r *Relation) include(call *jinja.Call) (any, error) {
	out := *r
	for _, kw := range call.Kwargs {
		i := map[string]int{"database": 1, "schema": 2, "identifier": 3}[kw.Name]
		if i == 0 {
			return nil, fmt.Errorf("include() takes database, schema and identifier, not %s", kw.Name)
		}
		out.parts[i-1] = jinja.Truth(kw.Value)
	}
	return &out, nil
}

// text is s, or None where it is empty.
func text(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// Column is a column of the warehouse as templates see it.
type Column struct {
	Name, Type string
	Dialect    tidemill.Dialect
}

// String returns a form for people.
func (c Column) String() string { return fmt.Sprintf("<Column %s (%s)>", c.Name, c.Type) }

// GetAttr returns the name, the type, or a test of the type.
func (c Column) GetAttr(name string) (any, bool) {
	switch name {
	case "name", "column":
		return c.Name, true
	case "dtype", "data_type":
		return c.Type, true
	case "quoted":
		q, err := ident.Quote(c.Dialect, c.Name)
		return q, err == nil
	case "is_string", "is_number", "is_numeric", "is_integer", "is_float":
		return jinja.Func(func(*jinja.Call) (any, error) { return typeIs(name, c.Type), nil }), true
	}
	return nil, false
}
