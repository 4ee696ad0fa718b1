package land

import (
	"context"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/internal/ident"
)

// shape builds the rows of the open batch. It belongs to the collector.
type shape interface {
	// open makes the tables that are known before anything was read.
	open(ctx context.Context) error

	// add appends e as a row. A refusal says that e is a dead letter.
	add(ctx context.Context, e *event) error

	// duplicate counts e as removed; its row is in the open batch.
	duplicate(e *event)

	// close moves the rows into b, and makes or widens tables for them. The
	// shape is then empty again.
	close(ctx context.Context, b *batch) error
}

// placeholders stand in the names of tables for what is known only later.
var placeholders = strings.NewReplacer("{type}", "type", "{schema}", "schema", "{table}", "table")

func (l *Lander) newShape() (shape, error) {
	p := l.cfg.Pipeline
	name, err := ident.ParseTable(placeholders.Replace(p.Land.Table))
	if err != nil {
		return nil, l.invalid("land.table: "+err.Error(), "write it as schema.name")
	}
	t := tidemill.Table{
		TableName: name,
		Write:     tidemill.WriteMode(p.Land.Write),
		Key:       p.Land.UniqueKey,
		Version:   p.Land.Version,
		Dedupe:    tidemill.Dedupe{Mode: tidemill.DedupeMode(p.Land.Dedupe), Window: p.Land.Window},
	}
	if t.Write == tidemill.Upsert && len(t.Key) == 0 {
		return nil, l.invalid("write: upsert has no unique_key", "name the columns that identify a row, as in unique_key: [message_id]")
	}
	if p.Land.Shape == "columns" {
		return newColumns(l, t), nil
	}
	if strings.Contains(p.Land.Table, "{type}") {
		return nil, l.invalid("table "+p.Land.Table+" has {type} with shape: envelope", "set shape: columns, or name one table")
	}
	return newEnvelope(l, t)
}

// system builds the columns that every row begins with.
type system struct {
	key, delivery, hash *array.FixedSizeBinaryBuilder
	time                *array.TimestampBuilder

	redelivered []int
	duplicates  int64
}

func newSystem() *system {
	id := func() *array.FixedSizeBinaryBuilder {
		return array.NewFixedSizeBinaryBuilder(memory.DefaultAllocator, &arrow.FixedSizeBinaryType{ByteWidth: 16})
	}
	return &system{
		key: id(), delivery: id(), hash: id(),
		time: array.NewTimestampBuilder(memory.DefaultAllocator, tidemill.Timestamp().(*arrow.TimestampType)),
	}
}

func (s *system) len() int { return s.key.Len() }

func (s *system) reserve(rows int) {
	s.key.Reserve(rows)
	s.delivery.Reserve(rows)
	s.hash.Reserve(rows)
	s.time.Reserve(rows)
}

func (s *system) add(e *event) {
	if e.msg.Redelivered {
		s.redelivered = append(s.redelivered, s.len())
	}
	s.key.Append(e.key[:])
	s.delivery.Append(e.delivery[:])
	s.hash.Append(e.hash[:])
	if storableTime(e.msg.Time) {
		s.time.Append(arrow.Timestamp(e.msg.Time.UnixMicro()))
	} else {
		s.time.AppendNull()
	}
}

// rows returns the rows of table in batch b, of these columns and those of
// fields, which it releases, and begins anew.
func (s *system) rows(table tidemill.Table, pipeline string, b *batch, fields []arrow.Field, columns []arrow.Array) tidemill.TableRows {
	n := s.len()
	all := []arrow.Array{
		uuids(s.key), uuids(s.delivery), uuids(s.hash),
		repeat(pipeline, n), repeat(b.id, n), s.time.NewArray(), repeatTime(b.made, n),
	}
	all = append(all, columns...)
	schema := arrow.NewSchema(append(tidemill.SystemFields(), fields...), nil)
	records := array.NewRecordBatch(schema, all, int64(n))
	for _, c := range all {
		c.Release()
	}
	r := tidemill.TableRows{Table: table, Records: records, Redelivered: s.redelivered, Duplicates: s.duplicates}
	s.redelivered, s.duplicates = nil, 0
	return r
}

func uuids(b *array.FixedSizeBinaryBuilder) arrow.Array {
	storage := b.NewArray()
	defer storage.Release()
	return array.NewExtensionArrayWithStorage(tidemill.UUID().(arrow.ExtensionType), storage)
}

func repeat(s string, n int) arrow.Array {
	b := array.NewStringBuilder(memory.DefaultAllocator)
	b.Reserve(n)
	b.ReserveData(n * len(s))
	for range n {
		b.Append(s)
	}
	return b.NewArray()
}

func repeatTime(t time.Time, n int) arrow.Array {
	b := array.NewTimestampBuilder(memory.DefaultAllocator, tidemill.Timestamp().(*arrow.TimestampType))
	b.Reserve(n)
	for range n {
		b.UnsafeAppend(arrow.Timestamp(t.UnixMicro()))
	}
	return b.NewArray()
}

// storableTime says whether every warehouse can store t. Publishers write
// what they like into a timestamp; what is out of range is unknown.
func storableTime(t time.Time) bool { return !t.IsZero() && t.Year() >= 1 && t.Year() <= 9999 }
