package duckdb

import (
	"bytes"
	"context"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/sqlgen"
)

// chain makes one mark of those of one scope, each of which must begin where
// the one before ended.
func chain(marks []tidemill.Mark) ([]tidemill.Mark, error) {
	var out []tidemill.Mark
	at := map[string]int{}
	for _, m := range marks {
		i, ok := at[m.Scope]
		if !ok {
			at[m.Scope] = len(out)
			out = append(out, m)
			continue
		}
		if !bytes.Equal(out[i].To, m.From) {
			return nil, &tidemill.Error{Code: tidemill.Invalid, Op: "commit", Err: fmt.Errorf("two marks of scope %q do not follow one another", m.Scope)}
		}
		out[i].To = m.To
	}
	return out, nil
}

// noteScope is where the marks of a pipeline hold its note. No source names
// what it reads so.
const noteScope = "tidemill:note"

// prepareMarks compares and sets the positions, and sets the note.
func (c *landing) prepareMarks(ctx context.Context) error {
	if len(c.marks) > 0 {
		table, err := c.storeMarks(ctx, c.marks)
		if err != nil {
			return err
		}
		c.stale = sqlgen.StaleMarks{Marks: table}
	}
	if c.Note == nil {
		return nil
	}
	_, err := c.storeMarks(ctx, []tidemill.Mark{{Scope: noteScope, To: c.Note}})
	return err
}

// storeMarks sets the positions of marks, which it returns as a table.
func (c *landing) storeMarks(ctx context.Context, marks []tidemill.Mark) (tidemill.TableName, error) {
	b := array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema([]arrow.Field{
		{Name: "scope", Type: arrow.BinaryTypes.String},
		{Name: "before", Type: arrow.BinaryTypes.Binary},
		{Name: "after", Type: arrow.BinaryTypes.Binary},
	}, nil))
	defer b.Release()
	for _, m := range marks {
		b.Field(0).(*array.StringBuilder).Append(m.Scope)
		b.Field(1).(*array.BinaryBuilder).Append(append([]byte{}, m.From...))
		b.Field(2).(*array.BinaryBuilder).Append(append([]byte{}, m.To...))
	}
	rec := b.NewRecordBatch()
	defer rec.Release()
	table, err := c.feeds.table(ctx, rec)
	if err != nil {
		return table, err
	}
	c.step("store marks", sqlgen.DeleteMarks{Marks: table}, c.Pipeline)
	c.step("store marks", sqlgen.InsertMarks{Marks: table}, c.Pipeline, c.Batch, c.now)
	return table, nil
}

// compareMarks fails where another writer has moved a position.
func (c *landing) compareMarks(ctx context.Context) error {
	if c.stale == nil {
		return nil
	}
	rows, err := c.conn.find(ctx, c.stale, c.Pipeline)
	if err != nil {
		return fmt.Errorf("compare marks: %w", err)
	}
	if len(rows) == 0 {
		return nil
	}
	return &tidemill.Error{
		Code: tidemill.Fenced, Op: "commit", Pipeline: c.Pipeline,
		Err:  fmt.Errorf("another process has moved the position of %q", rows[0][0]),
		Hint: "let one process land this pipeline at a time",
	}
}

// recentMessages is how many messages Ledger.Recent covers at least.
const recentMessages = 1000

// readLedger does what tidemill.Warehouse says of Ledger.
func readLedger(ctx context.Context, c *conn, pipeline string) (tidemill.Ledger, error) {
	var l tidemill.Ledger
	rows, err := c.find(ctx, sqlgen.SelectMarks{}, pipeline)
	if err != nil {
		return l, fmt.Errorf("read the ledger: %w", err)
	}
	for _, r := range rows {
		scope, position := r[0].(string), bytes.Clone(r[1].([]byte))
		if scope == noteScope {
			l.Note = position
			continue
		}
		l.Marks = append(l.Marks, tidemill.Mark{Scope: scope, To: position})
	}
	if l.Unfolded, err = readUnfolded(ctx, c, pipeline); err != nil {
		return l, fmt.Errorf("read the ledger: %w", err)
	}
	// Empty batches cover nothing, so the number of batches is found by doubling.
	for limit := 16; ; limit *= 4 {
		rows, err := c.find(ctx, sqlgen.RecentBatches{}, pipeline, int64(limit))
		if err != nil {
			return l, fmt.Errorf("read the ledger: %w", err)
		}
		l.Recent = l.Recent[:0]
		covered := int64(0)
		for _, r := range rows {
			b := tidemill.Receipt{Rows: r[0].(int64), Duplicates: r[1].(int64), Dead: r[2].(int64)}
			l.Recent = append(l.Recent, b)
			if covered += b.Rows + b.Duplicates + b.Dead; covered >= recentMessages {
				return l, nil
			}
		}
		if len(rows) < limit {
			return l, nil
		}
	}
}
