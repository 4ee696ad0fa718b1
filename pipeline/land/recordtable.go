package land

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/internal/canon"
)

// recordTable is where the records of one stream go.
type recordTable struct {
	tidemill.Table
	stream  string
	changes bool
	ready   *arrow.Schema // that the warehouse's table is known to hold
}

// ready makes the table of t, and that which it is folded into, where they are
// missing, and widens them to what rows have.
func (r *records) ready(ctx context.Context, t *recordTable, rows *arrow.Schema) error {
	if t.ready != nil && t.ready.Equal(rows) {
		return nil
	}
	if err := r.contract(ctx, t, rows); err != nil {
		return err
	}
	if _, err := r.evolve(ctx, t.Table, rows); err != nil {
		return err
	}
	if t.Fold != nil {
		target := tidemill.Table{TableName: t.Fold.Target, Write: t.Fold.Write, Bare: true}
		fields := append(tidemill.FoldedFields(t.Fold.Write), rows.Fields()[len(logFields()):]...)
		if _, err := r.evolve(ctx, target, arrow.NewSchema(fields, nil)); err != nil {
			return err
		}
	}
	t.ready = rows
	return nil
}

// contract refuses columns that are new, or of another type, where the
// pipeline's contract is that there are none.
func (r *records) contract(ctx context.Context, t *recordTable, rows *arrow.Schema) error {
	c := r.cfg.Pipeline.Land.Contract
	if c != contractFreeze && c != contractDeadLetter {
		return nil
	}
	has, err := r.evolve(ctx, t.Table, nil)
	if err != nil || has == nil {
		return err
	}
	for _, f := range rows.Fields() {
		old, ok := has.FieldsByName(f.Name)
		if ok && arrow.TypeEqual(old[0].Type, f.Type) {
			continue
		}
		what := fmt.Sprintf("column %q is new", f.Name)
		if ok {
			what = fmt.Sprintf("column %q is %s, the table has %s", f.Name, f.Type, old[0].Type)
		}
		return &tidemill.Error{
			Code: tidemill.SchemaIncompatible, Pos: r.cfg.Pipeline.Pos, Stream: t.stream, Err: errors.New(what),
			Hint: "the contract is " + c + ": change the table " + t.String() + " by hand and start again, or set contract: evolve",
		}
	}
	return nil
}

// logFields are what rows of a change log begin with.
func logFields() []arrow.Field {
	return append(tidemill.RecordFields(), tidemill.ChangeFields()[:3]...)
}

// build returns the records of parts as rows of the table, which the caller
// releases. A column that only some of the parts have is null in the others.
func (t *recordTable) build(parts []tidemill.Part, pipeline string, b *batch, p *canon.Protect) (arrow.RecordBatch, error) {
	fields, err := t.columns(parts)
	if err != nil {
		return nil, err
	}
	n := 0
	for _, p := range parts {
		n += int(p.Records.NumRows())
	}
	times, err := joined(parts, tidemill.ChangeFields()[3], n)
	if err != nil {
		return nil, err
	}
	all := []arrow.Array{repeat(pipeline, n), repeat(b.id, n), times, repeatTime(b.made, n)}
	defer func() {
		for _, a := range all {
			a.Release()
		}
	}()
	schema := tidemill.RecordFields()
	if t.changes {
		for _, f := range tidemill.ChangeFields()[:3] {
			column, err := joined(parts, f, n)
			if err != nil {
				return nil, err
			}
			all, schema = append(all, column), append(schema, f)
		}
	}
	for _, f := range fields {
		column, err := joined(parts, f, n)
		if err != nil {
			return nil, err
		}
		f, column, err = protectColumn(p, f, column)
		if err != nil {
			return nil, err
		}
		if column != nil {
			all, schema = append(all, column), append(schema, f)
		}
	}
	return array.NewRecordBatch(arrow.NewSchema(schema, nil), all, int64(n)), nil
}

// columns returns the source's columns of all parts, in the order in which
// they come.
func (t *recordTable) columns(parts []tidemill.Part) ([]arrow.Field, error) {
	var fields []arrow.Field
	var last *arrow.Schema
	for _, p := range parts {
		s := p.Records.Schema()
		if s == last {
			continue
		}
		last = s
		own := s.Fields()
		if t.changes {
			own = own[min(len(tidemill.ChangeFields()), len(own)):]
		}
		for _, f := range own {
			if reserved(f.Name) {
				return nil, &tidemill.Error{
					Code: tidemill.Invalid, Err: fmt.Errorf("its column %q has the name of a column that Tidemill adds", f.Name),
					Hint: "rename the column at the source, or read a query that gives it another name",
				}
			}
			if !slices.ContainsFunc(fields, func(g arrow.Field) bool { return g.Name == f.Name }) {
				f.Nullable = true // another part, or a later one, may lack it
				fields = append(fields, f)
			}
		}
	}
	return fields, nil
}

// reserved reports whether rows have a column of that name that is ours.
func reserved(name string) bool {
	ours := slices.Concat(tidemill.SystemFields(), tidemill.ChangeFields(), tidemill.FoldedFields(tidemill.History))
	return slices.ContainsFunc(ours, func(f arrow.Field) bool { return strings.EqualFold(f.Name, name) })
}

// joined returns column f of all parts, n rows, with nulls for parts that lack
// it.
func joined(parts []tidemill.Part, f arrow.Field, n int) (arrow.Array, error) {
	var pieces []arrow.Array
	defer func() {
		for _, p := range pieces {
			p.Release()
		}
	}()
	for _, p := range parts {
		at := p.Records.Schema().FieldIndices(f.Name)
		if len(at) == 0 {
			pieces = append(pieces, array.MakeArrayOfNull(memory.DefaultAllocator, f.Type, int(p.Records.NumRows())))
			continue
		}
		c := p.Records.Column(at[0])
		if !arrow.TypeEqual(c.DataType(), f.Type) {
			return nil, &tidemill.Error{
				Code: tidemill.SchemaIncompatible,
				Err:  fmt.Errorf("column %q comes as %s and as %s in one read", f.Name, f.Type, c.DataType()),
			}
		}
		c.Retain()
		pieces = append(pieces, c)
	}
	if len(pieces) == 1 {
		pieces[0].Retain()
		return pieces[0], nil
	}
	return array.Concatenate(pieces, memory.DefaultAllocator)
}
