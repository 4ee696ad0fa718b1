package duckdb

import (
	"context"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/extensions"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/tidemill/tidemill"
)

// open opens a warehouse in a folder of its own.
func open(t testing.TB, path string) *Warehouse {
	t.Helper()
	w, err := Open(context.Background(), Connection{Path: path}, tidemill.Env{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

func file(t testing.TB) string { return filepath.Join(t.TempDir(), "w.duckdb") }

// event is a row of an envelope in a test.
type event struct {
	key, delivery string // "" takes the key
	id, version   int64
	redelivered   bool
}

var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func id(s string) tidemill.ID {
	sum := sha256.Sum256([]byte(s))
	return tidemill.ID(sum[:16])
}

func eventSchema() *arrow.Schema {
	return arrow.NewSchema(append(tidemill.SystemFields(),
		arrow.Field{Name: "id", Type: arrow.PrimitiveTypes.Int64, Nullable: true},
		arrow.Field{Name: "version", Type: arrow.PrimitiveTypes.Int64, Nullable: true},
		arrow.Field{Name: "payload", Type: tidemill.JSON(), Nullable: true},
	), nil)
}

func rows(t tidemill.Table, batch string, at time.Time, events ...event) tidemill.TableRows {
	b := array.NewRecordBuilder(memory.DefaultAllocator, eventSchema())
	defer b.Release()
	r := tidemill.TableRows{Table: t}
	for i, e := range events {
		if e.delivery == "" {
			e.delivery = e.key
		}
		if e.redelivered {
			r.Redelivered = append(r.Redelivered, i)
		}
		b.Field(0).(*extensions.UUIDBuilder).AppendBytes(id(e.key))
		b.Field(1).(*extensions.UUIDBuilder).AppendBytes(id(e.delivery))
		b.Field(2).(*extensions.UUIDBuilder).AppendBytes(id(e.key))
		b.Field(3).(*array.StringBuilder).Append("p")
		b.Field(4).(*array.StringBuilder).Append(batch)
		b.Field(5).AppendNull()
		b.Field(6).(*array.TimestampBuilder).Append(arrow.Timestamp(at.UnixMicro()))
		b.Field(7).(*array.Int64Builder).Append(e.id)
		b.Field(8).(*array.Int64Builder).Append(e.version)
		b.Field(9).(*array.ExtensionBuilder).Builder.(*array.StringBuilder).Append(fmt.Sprintf(`{"id":%d}`, e.id))
	}
	r.Records = b.NewRecordBatch()
	return r
}

// query returns the rows of a query as text.
func query(t testing.TB, w tidemill.Warehouse, sql string, args ...any) string {
	t.Helper()
	s, err := w.Session(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	return ask(t, s, sql, args...)
}

func ask(t testing.TB, s tidemill.Session, sql string, args ...any) string {
	t.Helper()
	r, err := s.Query(context.Background(), sql, args...)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Release()
	out := ""
	for r.Next() {
		rec := r.RecordBatch()
		for i := range int(rec.NumRows()) {
			for c := range int(rec.NumCols()) {
				if c > 0 {
					out += " "
				}
				out += rec.Column(c).ValueStr(i)
			}
			out += "\n"
		}
	}
	if err := r.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

func change(t testing.TB, w tidemill.Warehouse, sql string, args ...any) {
	t.Helper()
	s, err := w.Session(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := s.Exec(context.Background(), sql, args...); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}
