package duckdb

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/extensions"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/sqlgen"
)

const benchRows = 10_000

func envelopeSchema() *arrow.Schema {
	return arrow.NewSchema(append(tidemill.SystemFields(),
		arrow.Field{Name: "source", Type: arrow.BinaryTypes.String},
		arrow.Field{Name: "type", Type: arrow.BinaryTypes.String},
		arrow.Field{Name: "payload", Type: tidemill.JSON()}), nil)
}

// envelope returns a batch of rows of about 600 bytes, of which duplicates
// have a key that lands in every batch.
func envelope(r *rand.Rand, duplicates int) arrow.RecordBatch {
	b := array.NewRecordBuilder(memory.DefaultAllocator, envelopeSchema())
	defer b.Release()
	filler := strings.Repeat("lorem ipsum ", 38)
	now := arrow.Timestamp(time.Now().UnixMicro())
	for i := range benchRows {
		var id tidemill.ID
		if i >= duplicates {
			binary.LittleEndian.PutUint64(id[:8], r.Uint64())
			binary.LittleEndian.PutUint64(id[8:], r.Uint64())
		} else {
			id[0], id[1] = byte(i), byte(i>>8)
		}
		for c := range 3 {
			b.Field(c).(*extensions.UUIDBuilder).AppendBytes(id)
		}
		b.Field(3).(*array.StringBuilder).Append("events")
		b.Field(4).(*array.StringBuilder).Append("batch")
		b.Field(5).(*array.TimestampBuilder).Append(now)
		b.Field(6).(*array.TimestampBuilder).Append(now)
		b.Field(7).(*array.StringBuilder).Append("orders")
		b.Field(8).(*array.StringBuilder).Append("OrderCreated")
		b.Field(9).(*array.ExtensionBuilder).Builder.(*array.StringBuilder).Append(fmt.Sprintf(`{"id":%d,"note":%q}`, r.Uint64(), filler))
	}
	return b.NewRecordBatch()
}

// BenchmarkCommit compares a commit with a bare INSERT ... SELECT from a ready
// view in a transaction of its own.
func BenchmarkCommit(b *testing.B) {
	table := events
	table.Name = "bench"
	var bare float64
	b.Run("bare", func(b *testing.B) {
		bare = benchmark(b, table, 0, func(w *Warehouse, i int, rec arrow.RecordBatch) error {
			o := w.used.(*ownership).writer
			f := o.feeder.open(o.conn)
			defer f.close(context.Background())
			view, err := f.view(rec.Schema(), rec)
			if err != nil {
				return err
			}
			_, err = o.conn.run(context.Background(), sqlgen.InsertRows{Target: table.TableName, Source: view, Columns: names(rec.Schema())})
			return err
		})
	})
	land := func(w *Warehouse, i int, rec arrow.RecordBatch) error {
		_, err := w.Commit(context.Background(), tidemill.Landing{
			Pipeline: "p", Batch: fmt.Sprint(i), Rows: []tidemill.TableRows{{Table: table, Records: rec}},
		})
		return err
	}
	for _, duplicates := range []int{0, 200} {
		b.Run(fmt.Sprintf("commit/duplicates=%d", duplicates), func(b *testing.B) {
			if rate := benchmark(b, table, duplicates, land); bare > 0 {
				b.ReportMetric(rate/bare, "of-bare")
			}
		})
	}
}

func benchmark(b *testing.B, table tidemill.Table, duplicates int, land func(*Warehouse, int, arrow.RecordBatch) error) float64 {
	w := open(b, file(b))
	if _, err := w.Evolve(b.Context(), table, envelopeSchema()); err != nil {
		b.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 2))
	spent := time.Duration(0)
	for i := 0; b.Loop(); i++ {
		b.StopTimer()
		rec := envelope(r, duplicates)
		b.StartTimer()
		begun := time.Now()
		if err := land(w, i, rec); err != nil {
			b.Fatal(err)
		}
		spent += time.Since(begun)
		rec.Release()
	}
	rate := float64(b.N) * benchRows / spent.Seconds()
	b.ReportMetric(rate, "rows/s")
	return rate
}
