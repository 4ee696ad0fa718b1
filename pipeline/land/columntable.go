package land

import (
	"errors"
	"fmt"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/internal/canon"
	"github.com/tidemill/tidemill/internal/columnar"
)

// The contracts: what a change of the schema does.
const (
	contractEvolve     = "evolve"
	contractVariant    = "variant"
	contractFreeze     = "freeze"
	contractDeadLetter = "dead_letter"
)

// columnTable is a table of typed columns with the rows of the open batch.
type columnTable struct {
	tidemill.Table
	*system
	contract string
	protect  *canon.Protect
	exists   bool
	schema   *arrow.Schema // of the payload; nil until the first event of a new table
	known    map[*arrow.Schema]bool
	grown    bool // schema has what the warehouse's table has not
	builder  *columnar.Builder

	// The payloads of the rows, end to end: a schema that changes builds the
	// rows again.
	payloads []byte
	ends     []int

	doc canon.Doc
}

// newColumnTable returns the table whose schema in the warehouse is has, nil
// if it is not there.
func newColumnTable(t tidemill.Table, contract string, p *canon.Protect, has *arrow.Schema) *columnTable {
	c := &columnTable{Table: t, system: newSystem(), contract: contract, protect: p, known: map[*arrow.Schema]bool{}}
	if has != nil {
		c.exists, c.schema = true, columnar.Payload(has)
	}
	return c
}

func (t *columnTable) add(e *event) error {
	if err := t.adopt(e); err != nil {
		return err
	}
	if t.Write == tidemill.Upsert {
		if err := t.checkKey(e.Payload); err != nil {
			return err
		}
	}
	err := t.builder.Append(e.Payload)
	if dev := (*columnar.Deviation)(nil); errors.As(err, &dev) {
		err = t.deviate(e.Payload, dev)
	}
	if err != nil {
		return err
	}
	t.system.add(e)
	t.payloads = append(t.payloads, e.Payload...)
	t.ends = append(t.ends, len(t.payloads))
	return nil
}

// adopt makes the table ready for events of e's schema. That of a new table
// comes from the descriptor, or else from its first payload.
func (t *columnTable) adopt(e *event) error {
	if t.builder != nil && (e.Schema == nil || t.known[e.Schema]) {
		return nil
	}
	described := e.Schema
	if described != nil {
		described = columnar.Protect(described, t.protect)
	} else if t.schema == nil {
		var err error
		if described, err = columnar.Infer(e.Payload); err != nil {
			return asRefusal(err)
		}
	}
	schema, grown := t.schema, false
	if described != nil {
		adds := t.schema == nil || t.contract == contractEvolve || t.contract == contractVariant
		schema, grown = merge(t.schema, described, adds)
	}
	if t.contract == contractFreeze && !columnar.HasUnknown(schema) {
		schema, grown = columnar.WithUnknown(schema), true
	}
	if err := t.rebuild(schema, nil); err != nil {
		return err
	}
	t.grown = t.grown || grown || !t.exists
	if e.Schema != nil {
		t.known[e.Schema] = true
	}
	return nil
}

// merge returns the columns of has, nil for a table that is not there, with
// what want says of how they are filled, and with the columns that only want
// has where adds says so. It says whether that made columns.
func merge(has, want *arrow.Schema, adds bool) (*arrow.Schema, bool) {
	if has == nil {
		return want, true
	}
	fields, grown := slices.Clone(has.Fields()), false
	for _, f := range want.Fields() {
		i := slices.IndexFunc(fields, func(g arrow.Field) bool { return g.Name == f.Name })
		switch {
		case i >= 0:
			fields[i].Metadata = f.Metadata
		case adds:
			f.Nullable = true // in the rows that are there
			fields, grown = append(fields, f), true
		}
	}
	return arrow.NewSchema(fields, nil), grown
}

// deviate does with a payload that does not fit what the contract says.
func (t *columnTable) deviate(payload []byte, dev *columnar.Deviation) error {
	if t.contract == contractFreeze || t.contract == contractDeadLetter {
		return asRefusal(dev)
	}
	schema, left := columnar.Evolve(t.builder.Schema(), dev)
	if left != nil {
		if t.contract != contractVariant {
			return asRefusal(left)
		}
		schema = columnar.Variant(schema, left)
	}
	if err := t.rebuild(schema, payload); err != nil {
		return err
	}
	t.grown = true
	return nil
}

// rebuild builds the rows of the open batch again with schema, and appends
// more to them if it is not nil. A refusal leaves all as it was.
func (t *columnTable) rebuild(schema *arrow.Schema, more []byte) error {
	b := columnar.NewBuilder(memory.DefaultAllocator, schema, t.contract == contractDeadLetter)
	from := 0
	for _, to := range t.ends {
		if err := b.Append(t.payloads[from:to]); err != nil {
			b.Release()
			return &refusal{tidemill.SchemaIncompatible, fmt.Sprintf("the rows before it do not fit its schema: %v", err)}
		}
		from = to
	}
	if more != nil {
		if err := b.Append(more); err != nil {
			b.Release()
			return asRefusal(err)
		}
	}
	if t.builder != nil {
		t.builder.Release()
	}
	t.builder, t.schema = b, schema
	return nil
}

// checkKey refuses a payload without a value for each column of the key.
func (t *columnTable) checkKey(payload []byte) error {
	v, err := t.doc.Parse(payload)
	if err != nil {
		return asRefusal(err)
	}
	for _, column := range t.Key {
		if !t.hasKey(v, column) {
			return &refusal{tidemill.SchemaIncompatible, fmt.Sprintf("column %q of unique_key has no value", column)}
		}
	}
	for _, column := range append(slices.Clone(t.Key), t.Version) {
		if column != "" && !t.stores(v, column) {
			return &refusal{tidemill.SchemaIncompatible, fmt.Sprintf("the table has no column %q, by which it is an upsert", column)}
		}
	}
	return nil
}

// stores says whether the table will have column when payload is in it.
func (t *columnTable) stores(payload canon.Value, column string) bool {
	if isSystem(column) || t.schema.HasField(column) {
		return true
	}
	if t.contract == contractFreeze || t.contract == contractDeadLetter {
		return false
	}
	for name := range payload.Members() {
		if columnar.ColumnName(string(name.Bytes())) == column {
			return true
		}
	}
	return false
}

func isSystem(column string) bool {
	return slices.ContainsFunc(tidemill.SystemFields(), func(f arrow.Field) bool { return f.Name == column })
}

func (t *columnTable) hasKey(payload canon.Value, column string) bool {
	if isSystem(column) {
		return column != tidemill.ColumnSourceTime
	}
	var field arrow.Field
	if at := t.schema.FieldIndices(column); len(at) > 0 {
		field = t.schema.Field(at[0])
	}
	holds, told := field.Metadata.GetValue(columnar.MetaName)
	for name, value := range payload.Members() {
		if n := string(name.Bytes()); told && n == holds || !told && columnar.ColumnName(n) == column {
			return value.Kind() != canon.Null
		}
	}
	presence, _ := field.Metadata.GetValue(columnar.MetaPresence)
	return presence == columnar.PresenceImplicit // a missing member is the zero value
}

// take returns the rows and begins anew.
func (t *columnTable) take(pipeline string, b *batch) tidemill.TableRows {
	record := t.builder.Record()
	defer record.Release()
	columns := make([]arrow.Array, record.NumCols())
	for i := range columns {
		columns[i] = record.Column(i)
		columns[i].Retain()
	}
	t.exists, t.ends = true, t.ends[:0]
	t.payloads = reuse(t.payloads)
	return t.rows(t.Table, pipeline, b, t.schema.Fields(), columns)
}
