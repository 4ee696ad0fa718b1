package duckdb

import (
	"context"
	"fmt"
	"strings"

	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/sqlgen"
)

// Publish puts the table built in the place of target, which may be a table,
// a view, or nothing yet. Within a transaction of s readers see the old one
// until its commit; without one, each step is seen. Indexes of target are
// made again, views of it stay.
func (*Warehouse) Publish(ctx context.Context, s tidemill.Session, built, target tidemill.TableName) error {
	if err := publish(ctx, s, built, target); err != nil {
		return fmt.Errorf("publish %s: %w", target, err)
	}
	return nil
}

func publish(ctx context.Context, s tidemill.Session, built, target tidemill.TableName) error {
	kind, err := texts(ctx, s, sqlgen.RelationKind{}, target.Schema, target.Name)
	if err != nil {
		return err
	}
	var steps []sqlgen.Statement
	var indexes []string
	switch {
	case len(kind) == 0:
	case kind[0] == "VIEW":
		steps = append(steps, sqlgen.DropView{View: target})
	default:
		if indexes, err = texts(ctx, s, sqlgen.TableIndexes{}, target.Schema, target.Name); err != nil {
			return err
		}
		steps = append(steps, sqlgen.DropTable{Table: target})
	}
	if built.Schema == target.Schema {
		steps = append(steps, sqlgen.RenameTable{Table: built, Name: target.Name})
	} else { // the engine cannot move a table
		steps = append(steps, sqlgen.CopyTable{Table: target, From: built}, sqlgen.DropTable{Table: built})
	}
	for _, step := range steps {
		sql, err := sqlgen.Render(tidemill.DuckDB, step)
		if err != nil {
			return err
		}
		if _, err := s.Exec(ctx, sql); err != nil {
			return err
		}
	}
	for _, sql := range indexes {
		if _, err := s.Exec(ctx, sql); err != nil {
			return err
		}
	}
	return nil
}

// texts returns the first column of a query's result, which is of strings.
func texts(ctx context.Context, s tidemill.Session, q sqlgen.Statement, args ...any) ([]string, error) {
	sql, err := sqlgen.Render(tidemill.DuckDB, q)
	if err != nil {
		return nil, err
	}
	r, err := s.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	defer r.Release()
	var all []string
	for r.Next() {
		column := r.RecordBatch().Column(0).(*array.String)
		for i := range column.Len() {
			all = append(all, strings.Clone(column.Value(i))) // the text lies in memory of the reader
		}
	}
	return all, r.Err()
}
