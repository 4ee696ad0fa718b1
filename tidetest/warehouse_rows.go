package tidetest

import (
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/extensions"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/tidemill/tidemill"
)

var suiteEpoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// suiteEvent is a row of the suite: id names it and gives it its key.
type suiteEvent struct {
	id, bytes   string
	version     int64
	redelivered bool
}

func ev(id string) suiteEvent { return suiteEvent{id: id, bytes: id} }

// as gives the event other bytes, and so another delivery.
func (e suiteEvent) as(bytes string) suiteEvent {
	e.bytes = bytes
	return e
}

func (e suiteEvent) again() suiteEvent {
	e.redelivered = true
	return e
}

func (e suiteEvent) v(n int64) suiteEvent {
	e.version = n
	return e
}

// suiteID makes an identity of a text.
func suiteID(s string) tidemill.ID {
	sum := sha256.Sum256([]byte(s))
	return tidemill.ID(sum[:16])
}

func landing(batch string, t tidemill.Table, events ...suiteEvent) tidemill.Landing {
	return landingAt(batch, suiteEpoch, t, events...)
}

func landingAt(batch string, at time.Time, t tidemill.Table, events ...suiteEvent) tidemill.Landing {
	b := array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema(append(tidemill.SystemFields(),
		arrow.Field{Name: "id", Type: arrow.BinaryTypes.String, Nullable: true},
		arrow.Field{Name: "version", Type: arrow.PrimitiveTypes.Int64, Nullable: true},
		arrow.Field{Name: "payload", Type: tidemill.JSON(), Nullable: true},
	), nil))
	defer b.Release()
	r := tidemill.TableRows{Table: t}
	for i, e := range events {
		if e.redelivered {
			r.Redelivered = append(r.Redelivered, i)
		}
		for c, id := range []tidemill.ID{suiteID(e.id), suiteID(e.bytes), suiteID(e.id)} {
			b.Field(c).(*extensions.UUIDBuilder).AppendBytes(id)
		}
		b.Field(3).(*array.StringBuilder).Append("p")
		b.Field(4).(*array.StringBuilder).Append(batch)
		b.Field(5).AppendNull()
		b.Field(6).(*array.TimestampBuilder).Append(arrow.Timestamp(at.UnixMicro()))
		b.Field(7).(*array.StringBuilder).Append(e.id)
		b.Field(8).(*array.Int64Builder).Append(e.version)
		b.Field(9).(*array.ExtensionBuilder).Builder.(*array.StringBuilder).Append(fmt.Sprintf(`{"bytes":%q}`, e.bytes))
	}
	r.Records = b.NewRecordBatch()
	return tidemill.Landing{Pipeline: "p", Batch: batch, Rows: []tidemill.TableRows{r}}
}

// sqlRows returns the ids of a table, sorted.
func sqlRows(t testing.TB, w tidemill.Warehouse, n tidemill.TableName) []string {
	t.Helper()
	s, err := w.Session(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	ids := column(t, s, `SELECT id FROM "`+n.Schema+`"."`+n.Name+`"`)
	slices.Sort(ids)
	return ids
}

// column returns the first column of a query's result as text.
func column(t testing.TB, s tidemill.Session, sql string, args ...any) []string {
	t.Helper()
	r, err := s.Query(context.Background(), sql, args...)
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	defer r.Release()
	var all []string
	for r.Next() {
		c := r.RecordBatch().Column(0)
		for i := range c.Len() {
			all = append(all, c.ValueStr(i))
		}
	}
	if err := r.Err(); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return all
}
