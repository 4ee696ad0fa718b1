package duckdb

import (
	"context"
	"database/sql/driver"
	"fmt"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/extensions"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/sqlgen"
)

// findDeliveries drops the redelivered rows that have landed before, and those
// of a dead letter that was settled. Letters that wait are settled by the rows
// that land or are recognised here.
func (c *landing) findDeliveries(ctx context.Context, t *table) error {
	var all, left []int
	for i, r := range t.redelivered {
		if r {
			all = append(all, i)
			if !t.drop[i] {
				left = append(left, i)
			}
		}
	}
	if len(all) == 0 {
		return nil
	}
	found, err := c.look(ctx, t.deliveries, left, func(v tidemill.TableName) sqlgen.Statement {
		return sqlgen.FindDeliveries{Found: v, Table: t.identities}
	})
	if err != nil {
		return fmt.Errorf("look up deliveries: %w", err)
	}
	t.discard(found, &t.removed.delivery)

	found, err = c.look(ctx, t.deliveries, all, func(v tidemill.TableName) sqlgen.Statement { return sqlgen.FindLetters{Found: v} }, c.Pipeline)
	if err != nil {
		return fmt.Errorf("look up dead letters: %w", err)
	}
	var settled [][]driver.Value
	for _, row := range found {
		if row[1] == statusDead {
			c.letters.settle = append(c.letters.settle, t.deliveries[row[0].(int64)])
		} else {
			settled = append(settled, row)
		}
	}
	t.discard(settled, &t.removed.delivery)
	return nil
}

// findOvertaken drops the rows that another reader landed after this one had
// read them. With one reader nothing has landed since then.
func (c *landing) findOvertaken(ctx context.Context, t *table) error {
	newest, known := c.newest[t.identities]
	if !known {
		rows, err := c.conn.find(ctx, sqlgen.NewestRow{Table: t.identities})
		if err != nil {
			return fmt.Errorf("look up the newest row: %w", err)
		}
		newest, _ = rows[0][0].(time.Time) // null where there is none
	}
	c.newest[t.identities] = later(newest, t.landedAt) // also if this commit fails: one look-up too many
	if c.Since.IsZero() || newest.Before(c.Since) {
		return nil
	}
	var left []int
	for i, d := range t.drop {
		if !d {
			left = append(left, i)
		}
	}
	found, err := c.look(ctx, t.deliveries, left, func(v tidemill.TableName) sqlgen.Statement {
		return sqlgen.FindDeliveries{Found: v, Table: t.identities, Since: true}
	}, c.Since)
	if err != nil {
		return fmt.Errorf("look up overtaken deliveries: %w", err)
	}
	t.discard(found, &t.removed.delivery)
	return nil
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// look runs a query over a table of some of ids.
func (c *landing) look(ctx context.Context, ids []tidemill.ID, at []int, q func(found tidemill.TableName) sqlgen.Statement, args ...any) ([][]driver.Value, error) {
	if len(at) == 0 {
		return nil, nil
	}
	rec := identities(ids, at)
	defer rec.Release()
	feeds := c.feeder.open(c.conn)
	defer feeds.close(ctx)
	table, err := feeds.table(ctx, rec)
	if err != nil {
		return nil, err
	}
	return c.conn.find(ctx, q(table), args...)
}

// findKeys drops the rows whose event has landed within the window.
func (c *landing) findKeys(ctx context.Context, t *table) error {
	mode := t.Table.Dedupe.Mode
	if (mode == tidemill.DedupeWindow || mode == tidemill.DedupeForever) && t.landed() > 0 {
		if err := c.dropKeys(ctx, t, mode); err != nil {
			return err
		}
	}
	for k, f := range c.filters { // of all modes: another pipeline may look for what this one lands
		if k.table != t.Table.TableName {
			continue
		}
		for i, d := range t.drop { // before COMMIT: one key too many costs a look-up, one too few a duplicate
			if !d {
				f.add(t.keys[i], t.landedAt)
			}
		}
	}
	return nil
}

func (c *landing) dropKeys(ctx context.Context, t *table, mode tidemill.DedupeMode) error {
	var since time.Time
	if mode == tidemill.DedupeWindow {
		since = t.landedAt.Add(-t.Table.Dedupe.Window)
	}
	f, err := c.filter(ctx, t, since)
	if err != nil {
		return fmt.Errorf("load keys of the window: %w", err)
	}
	hits, from := t.hits(f, since)
	windowed := !from.IsZero()
	var args []any
	if windowed {
		args = append(args, from)
	}
	found, err := c.look(ctx, t.keys, hits, func(v tidemill.TableName) sqlgen.Statement {
		return sqlgen.FindKeys{Found: v, Table: t.identities, Window: windowed}
	}, args...)
	if err != nil {
		return fmt.Errorf("look up keys: %w", err)
	}
	t.discard(found, &t.removed.key)
	return nil
}

// hits returns the rows that may have landed before and since when to look.
func (t *table) hits(f *filter, since time.Time) (hits []int, from time.Time) {
	for i, d := range t.drop {
		if d {
			continue
		}
		at, hit := f.lookup(t.keys[i], since)
		if !hit {
			continue
		}
		if len(hits) == 0 || at.Before(from) {
			from = at
		}
		hits = append(hits, i)
	}
	return hits, from
}

// filter returns the filter of a table, filled from its rows at first use, and
// again where the clock went back to what it has forgotten.
func (c *landing) filter(ctx context.Context, t *table, since time.Time) (*filter, error) {
	key := filterKey{table: t.Table.TableName}
	if t.Table.Dedupe.Mode == tidemill.DedupeWindow {
		key.window = t.Table.Dedupe.Window
	}
	if f := c.filters[key]; f != nil && !since.Before(f.known) {
		f.expire(since.Add(-f.slack()))
		return f, nil
	}
	f := newFilter(key.window)
	if !since.IsZero() {
		f.known = since.Add(-f.slack())
	}
	if err := c.fill(ctx, f, t.identities, f.known); err != nil {
		return nil, err
	}
	c.filters[key] = f
	return f, nil
}

// fillRows is how many rows are read at a time: a result is held in memory.
const fillRows = 1 << 19

func (c *landing) fill(ctx context.Context, f *filter, ids tidemill.TableName, since time.Time) error {
	size, err := c.conn.find(ctx, sqlgen.RowRange{Table: ids})
	if err != nil {
		return err
	}
	sql, err := sqlgen.Render(tidemill.DuckDB, sqlgen.SelectKeys{Table: ids, Window: !since.IsZero()})
	if err != nil {
		return err
	}
	for low, end := int64(0), size[0][1].(int64); low < end; low += fillRows {
		args := []any{low, low + fillRows}
		if !since.IsZero() {
			args = append(args, since)
		}
		if err := c.fillPart(ctx, f, sql, args); err != nil {
			return err
		}
	}
	return nil
}

func (c *landing) fillPart(ctx context.Context, f *filter, sql string, args []any) error {
	r, err := c.conn.query(ctx, sql, args...)
	if err != nil {
		return err
	}
	defer r.Release()
	for r.Next() {
		keys, at := r.RecordBatch().Column(0).(*extensions.UUIDArray), r.RecordBatch().Column(1).(*array.Timestamp)
		for i := range keys.Len() {
			f.add(tidemill.ID(keys.Value(i)), at.Value(i).ToTime(arrow.Microsecond))
		}
	}
	return r.Err()
}
