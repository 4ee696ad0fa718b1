package duckdb

import (
	"context"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/sqlgen"
)

// Columns that a view of records carries beside their own.
const (
	columnKeep  = "__tidemill_keep"
	columnOrder = "__tidemill_order"
)

// prepareInsert appends the rows that are left.
func (c *landing) prepareInsert(t *table) error {
	runs := t.left()
	view, err := c.feeds.view(t.Records.Schema(), runs...)
	for _, r := range runs {
		r.Release()
	}
	if err != nil {
		return err
	}
	c.step("land in "+t.Table.String(), sqlgen.InsertRows{Target: t.Table.TableName, Source: view, Columns: names(t.Records.Schema())})
	return nil
}

// left returns the runs of rows between those that were removed, uncopied.
// The caller releases them.
func (t *table) left() []arrow.RecordBatch {
	var runs []arrow.RecordBatch
	begin := 0
	for i, d := range append(t.drop[:len(t.drop):len(t.drop)], true) {
		if d {
			if i > begin {
				runs = append(runs, t.Records.NewSlice(int64(begin), int64(i)))
			}
			begin = i + 1
		}
	}
	return runs
}

// prepareUpsert replaces the rows whose keys are in t by those that are left,
// except where the table has a higher version, and remembers all identities
// that there are.
func (c *landing) prepareUpsert(ctx context.Context, t *table) error {
	rec := t.marked()
	defer rec.Release()
	source, err := c.feeds.table(ctx, rec)
	if err != nil {
		return err
	}
	op, target, columns := "land in "+t.Table.String(), t.Table.TableName, names(t.Records.Schema())
	stage := tidemill.TableName{Schema: "temp", Name: fmt.Sprintf("tidemill_stage_%d", len(c.steps))}
	c.step(op, sqlgen.StageUpsert{
		Stage: stage, Source: source, Columns: columns, Key: t.Table.Key, Version: t.Table.Version,
		Keep: columnKeep, Order: columnOrder,
	})
	if t.Table.Version != "" {
		c.step(op, sqlgen.DropStale{Target: target, Stage: stage, Key: t.Table.Key, Version: t.Table.Version})
	}
	c.step(op, sqlgen.DeleteMatched{Target: target, Stage: stage, Key: t.Table.Key})
	c.step(op, sqlgen.InsertRows{Target: target, Source: stage, Columns: columns})
	if !t.Table.Bare {
		c.step(op, sqlgen.InsertRows{Target: t.identities, Source: source, Columns: sqlgen.IdentityColumns(), Keep: columnKeep})
	}
	c.step(op, sqlgen.DropTable{Table: stage})
	return nil
}

// marked returns the records with whether a row is left, and its place.
func (t *table) marked() arrow.RecordBatch {
	keep, order := array.NewBooleanBuilder(memory.DefaultAllocator), array.NewInt64Builder(memory.DefaultAllocator)
	defer keep.Release()
	defer order.Release()
	for i, d := range t.drop {
		keep.Append(!d)
		order.Append(int64(i))
	}
	k, o := keep.NewArray(), order.NewArray()
	defer k.Release()
	defer o.Release()
	s := t.Records.Schema()
	fields := append(append([]arrow.Field{}, s.Fields()...),
		arrow.Field{Name: columnKeep, Type: arrow.FixedWidthTypes.Boolean},
		arrow.Field{Name: columnOrder, Type: arrow.PrimitiveTypes.Int64})
	columns := append(append([]arrow.Array{}, t.Records.Columns()...), k, o)
	return array.NewRecordBatch(arrow.NewSchema(fields, nil), columns, t.Records.NumRows())
}

func names(s *arrow.Schema) []string {
	all := make([]string, s.NumFields())
	for i, f := range s.Fields() {
		all[i] = f.Name
	}
	return all
}
