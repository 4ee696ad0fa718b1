package duckdb

import (
	"context"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/sqlgen"
)

// evolve does what tidemill.Warehouse says of Evolve, in one transaction. The
// caller holds the writer.
func (w *writer) evolve(ctx context.Context, t tidemill.Table, want *arrow.Schema) (*arrow.Schema, error) {
	have, err := w.describe(ctx, t.TableName)
	if err != nil || want == nil {
		return have, err
	}
	steps, err := evolution(t, have, want)
	if err != nil || len(steps) == 0 {
		return have, err
	}
	err = w.transaction(ctx, func() error {
		for _, s := range steps {
			if _, err := w.conn.run(ctx, s); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("evolve %s: %w", t.TableName, err)
	}
	return w.describe(ctx, t.TableName)
}

// evolution returns the statements that bring the table from have, nil where
// it is missing, to want.
func evolution(t tidemill.Table, have, want *arrow.Schema) ([]sqlgen.Statement, error) {
	if have == nil {
		var steps []sqlgen.Statement
		if t.Schema != "" {
			steps = append(steps, sqlgen.CreateSchema{Schema: t.Schema})
		}
		if t.Write == tidemill.Upsert && !t.Bare { // a table of that name that was dropped had other rows
			steps = append(steps, sqlgen.DropTable{Table: companion(t.TableName)})
		}
		return append(steps, sqlgen.CreateTable{Table: t.TableName, Columns: want.Fields()}), nil
	}
	var steps []sqlgen.Statement
	for _, f := range want.Fields() {
		old, ok := have.FieldsByName(f.Name)
		switch {
		case !ok:
			f.Nullable = true // rows that are there have no value for it
			steps = append(steps, sqlgen.AddColumn{Table: t.TableName, Column: f})
		case holds(old[0].Type, f.Type):
		case holds(f.Type, old[0].Type):
			steps = append(steps, sqlgen.WidenColumn{Table: t.TableName, Column: f})
		default:
			return nil, &tidemill.Error{
				Code: tidemill.SchemaIncompatible, Op: "evolve", Stream: t.TableName.String(),
				Err:  fmt.Errorf("column %q is %s, the events have %s", f.Name, old[0].Type, f.Type),
				Hint: "set contract: variant for this table, or land in a new table",
			}
		}
	}
	return steps, nil
}

// describe returns the schema of a table or view, or nil where there is none.
func (w *writer) describe(ctx context.Context, t tidemill.TableName) (*arrow.Schema, error) {
	rows, err := w.conn.find(ctx, sqlgen.DescribeTable{}, t.Schema, t.Name)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	sql, err := sqlgen.Render(tidemill.DuckDB, sqlgen.EmptyRows{Table: t})
	if err != nil {
		return nil, err
	}
	r, err := w.conn.query(ctx, sql)
	if err != nil {
		return nil, fmt.Errorf("describe %s: %w", t, err)
	}
	defer r.Release()
	nullable := map[string]bool{}
	for _, row := range rows {
		nullable[row[0].(string)] = row[1].(bool)
	}
	fields := r.Schema().Fields()
	for i, f := range fields {
		fields[i].Nullable = nullable[f.Name]
	}
	return arrow.NewSchema(fields, nil), nil
}
