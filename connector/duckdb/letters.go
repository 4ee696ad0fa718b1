package duckdb

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/extensions"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/internal/ident"
	"github.com/tidemill/tidemill/sqlgen"
)

// The states of a dead letter. Only a dead one can land.
const statusDead = "dead"

// letters are the dead letters of a landing, and the older ones that its rows
// settle.
type letters struct {
	all        []tidemill.DeadLetter
	deliveries []tidemill.ID
	drop       []bool
	removed    duplicates
	settle     []tidemill.ID
}

func newLetters(landing tidemill.Landing) *letters {
	dead := landing.Dead
	l := &letters{all: dead, removed: duplicates{batch: landing.Duplicates}, deliveries: make([]tidemill.ID, len(dead)), drop: make([]bool, len(dead))}
	seen := map[tidemill.ID]bool{}
	for i, d := range dead {
		l.deliveries[i] = d.Delivery
		if seen[d.Delivery] {
			l.drop[i] = true
			l.removed.batch++
		}
		seen[d.Delivery] = true
	}
	return l
}

func (l *letters) left(also func(tidemill.DeadLetter) bool) []int {
	var at []int
	for i, d := range l.drop {
		if !d && also(l.all[i]) {
			at = append(at, i)
		}
	}
	return at
}

func anyLetter(tidemill.DeadLetter) bool           { return true }
func redeliveredLetter(d tidemill.DeadLetter) bool { return d.Message.Redelivered }

func (l *letters) kept() int64 { return int64(len(l.left(anyLetter))) }

// recogniseLetters drops the letters that this pipeline has already, and redelivered
// ones that have landed, before a schema was changed.
func (c *landing) recogniseLetters(ctx context.Context) error {
	l := c.letters
	find := func(at []int, q func(tidemill.TableName) sqlgen.Statement, args ...any) error {
		found, err := c.look(ctx, l.deliveries, at, q, args...)
		for _, row := range found {
			if i := row[0].(int64); !l.drop[i] {
				l.drop[i] = true
				l.removed.delivery++
			}
		}
		return err
	}
	if err := find(l.left(anyLetter), func(v tidemill.TableName) sqlgen.Statement { return sqlgen.FindLetters{Found: v} }, c.Pipeline); err != nil {
		return err
	}
	if len(l.left(redeliveredLetter)) == 0 {
		return nil
	}
	tables, err := c.landedTables(ctx)
	if err != nil {
		return err
	}
	for _, t := range tables {
		if err := find(l.left(redeliveredLetter), func(v tidemill.TableName) sqlgen.Statement {
			return sqlgen.FindDeliveries{Found: v, Table: t}
		}); err != nil {
			return err
		}
	}
	return nil
}

// prepareLetters settles the letters that land and stores those that are new.
func (c *landing) prepareLetters(ctx context.Context) error {
	if ids := c.letters.settle; len(ids) > 0 {
		at := make([]int, len(ids))
		for i := range at {
			at[i] = i
		}
		rec := identities(ids, at)
		defer rec.Release()
		table, err := c.feeds.table(ctx, rec)
		if err != nil {
			return err
		}
		c.step("settle dead letters", sqlgen.SettleLetters{Found: table}, c.now, c.Pipeline)
	}
	if c.letters.kept() == 0 {
		return nil
	}
	rec, err := c.letters.record()
	if err != nil {
		return err
	}
	defer rec.Release()
	table, err := c.feeds.table(ctx, rec)
	if err != nil {
		return err
	}
	c.step("store dead letters", sqlgen.InsertLetters{Letters: table}, c.Pipeline, c.Batch, c.now)
	return nil
}

// landedTables returns the tables that know the identities of what this
// pipeline has landed, as far as they are still there.
func (c *landing) landedTables(ctx context.Context) ([]tidemill.TableName, error) {
	names, err := c.conn.find(ctx, sqlgen.PipelineTables{}, c.Pipeline)
	if err != nil {
		return nil, err
	}
	var tables []tidemill.TableName
	for _, row := range names {
		t, err := ident.ParseTable(row[0].(string))
		if err != nil {
			return nil, fmt.Errorf("the ledger: %w", err)
		}
		for _, name := range []tidemill.TableName{companion(t), t} {
			columns, err := c.conn.find(ctx, sqlgen.DescribeTable{}, name.Schema, name.Name)
			if err != nil {
				return nil, err
			}
			if len(columns) > 0 {
				tables = append(tables, name)
				break
			}
		}
	}
	return tables, nil
}

// ledgerName is how the ledger names a table: as people write it, so quoted
// only where it must be. ident.ParseTable reads it.
func ledgerName(t tidemill.TableName) string {
	if n, err := ident.ParseTable(t.String()); err == nil && n == t {
		return t.String()
	}
	quoted, err := ident.Table(tidemill.DuckDB, t)
	if err != nil { // then its rows could not land
		return t.String()
	}
	return quoted
}

// record returns the letters that are left, as columns of their table.
func (l *letters) record() (arrow.RecordBatch, error) {
	text := func(name string) arrow.Field { return arrow.Field{Name: name, Type: arrow.BinaryTypes.String} }
	b := array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema([]arrow.Field{
		{Name: "delivery", Type: tidemill.UUID()},
		text("source"), text("type"), text("message_id"),
		{Name: "value", Type: arrow.BinaryTypes.Binary, Nullable: true},
		text("code"), text("reason"),
		{Name: "meta", Type: tidemill.JSON(), Nullable: true},
		{Name: "protected", Type: arrow.FixedWidthTypes.Boolean},
		{Name: "key", Type: tidemill.UUID(), Nullable: true},
		{Name: "payload_hash", Type: tidemill.UUID(), Nullable: true},
		{Name: "source_time", Type: tidemill.Timestamp(), Nullable: true},
	}, nil))
	defer b.Release()
	for _, i := range l.left(anyLetter) {
		if err := appendLetter(b, l.all[i]); err != nil {
			return nil, err
		}
	}
	return b.NewRecordBatch(), nil
}

func appendLetter(b *array.RecordBuilder, d tidemill.DeadLetter) error {
	m := d.Message
	b.Field(0).(*extensions.UUIDBuilder).AppendBytes(d.Delivery)
	for i, s := range map[int]string{1: m.Source, 2: m.Type, 3: m.ID, 5: string(d.Code), 6: d.Reason} {
		b.Field(i).(*array.StringBuilder).Append(strings.ToValidUTF8(s, "\uFFFD"))
	}
	if m.Value == nil {
		b.Field(4).AppendNull()
	} else {
		b.Field(4).(*array.BinaryBuilder).Append(m.Value)
	}
	if m.Meta == nil {
		b.Field(7).AppendNull()
	} else {
		meta, err := json.Marshal(m.Meta)
		if err != nil {
			return err
		}
		b.Field(7).(*array.ExtensionBuilder).Builder.(*array.StringBuilder).Append(string(meta))
	}
	b.Field(8).(*array.BooleanBuilder).Append(d.Protected)
	if d.Protected {
		b.Field(9).(*extensions.UUIDBuilder).AppendBytes(d.Key)
		b.Field(10).(*extensions.UUIDBuilder).AppendBytes(d.PayloadHash)
	} else {
		b.Field(9).AppendNull()
		b.Field(10).AppendNull()
	}
	if m.Time.IsZero() {
		b.Field(11).AppendNull()
	} else {
		b.Field(11).(*array.TimestampBuilder).Append(arrow.Timestamp(m.Time.UnixMicro()))
	}
	return nil
}
