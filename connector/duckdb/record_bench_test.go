package duckdb

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/extensions"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/tidemill/tidemill"
)

// wideSchema has twelve columns of the kinds that tables have.
func wideSchema() *arrow.Schema {
	return arrow.NewSchema(append(tidemill.RecordFields(),
		arrow.Field{Name: "id", Type: arrow.PrimitiveTypes.Int64},
		arrow.Field{Name: "customer", Type: arrow.PrimitiveTypes.Int32},
		arrow.Field{Name: "amount", Type: &arrow.Decimal128Type{Precision: 18, Scale: 2}},
		arrow.Field{Name: "score", Type: arrow.PrimitiveTypes.Float64},
		arrow.Field{Name: "flag", Type: arrow.FixedWidthTypes.Boolean},
		arrow.Field{Name: "created", Type: tidemill.Timestamp()},
		arrow.Field{Name: "hash", Type: arrow.BinaryTypes.String},
		arrow.Field{Name: "name", Type: arrow.BinaryTypes.String},
		arrow.Field{Name: "uid", Type: tidemill.UUID()},
		arrow.Field{Name: "day", Type: arrow.FixedWidthTypes.Date32},
		arrow.Field{Name: "doc", Type: tidemill.JSON()},
		arrow.Field{Name: "small", Type: arrow.PrimitiveTypes.Int16},
	), nil)
}

func wide(r *rand.Rand, from, n int) arrow.RecordBatch {
	b := array.NewRecordBuilder(memory.DefaultAllocator, wideSchema())
	defer b.Release()
	now := arrow.Timestamp(time.Now().UnixMicro())
	for i := from; i < from+n; i++ {
		b.Field(0).(*array.StringBuilder).Append("orders")
		b.Field(1).(*array.StringBuilder).Append("batch")
		b.Field(2).(*array.TimestampBuilder).AppendNull()
		b.Field(3).(*array.TimestampBuilder).Append(now)
		b.Field(4).(*array.Int64Builder).Append(int64(i))
		b.Field(5).(*array.Int32Builder).Append(int32(i % 1000))
		b.Field(6).(*array.Decimal128Builder).Append(decimal128.FromI64(r.Int64N(1e8)))
		b.Field(7).(*array.Float64Builder).Append(r.Float64())
		b.Field(8).(*array.BooleanBuilder).Append(i%2 == 0)
		b.Field(9).(*array.TimestampBuilder).Append(now - arrow.Timestamp(i)*1e6)
		var id [16]byte
		binary.BigEndian.PutUint64(id[:], r.Uint64())
		binary.BigEndian.PutUint64(id[8:], r.Uint64())
		b.Field(10).(*array.StringBuilder).Append(fmt.Sprintf("%x", id))
		b.Field(11).(*array.StringBuilder).Append(fmt.Sprintf("item %d", i%5000))
		b.Field(12).(*extensions.UUIDBuilder).AppendBytes(id)
		b.Field(13).(*array.Date32Builder).Append(arrow.Date32(18000 + i%2000))
		b.Field(14).(*array.ExtensionBuilder).Builder.(*array.StringBuilder).Append(fmt.Sprintf(`{"a": %d, "b": "x%d"}`, i, i%10))
		b.Field(15).(*array.Int16Builder).Append(int16(i % 32000))
	}
	return b.NewRecordBatch()
}

// BenchmarkCommitRecords commits rows of a bare table, and reports rows a
// second.
func BenchmarkCommitRecords(b *testing.B) {
	for _, n := range []int{10_000, 50_000, 100_000, 200_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			w := open(b, file(b))
			rec := wide(rand.New(rand.NewPCG(1, 2)), 0, n)
			defer rec.Release()
			table := tidemill.Table{TableName: tidemill.TableName{Schema: "raw", Name: "wide"}, Write: tidemill.Append, Bare: true}
			if _, err := w.Evolve(b.Context(), table, rec.Schema()); err != nil {
				b.Fatal(err)
			}
			i := 0
			for b.Loop() {
				i++
				_, err := w.Commit(b.Context(), tidemill.Landing{
					Pipeline: "p", Batch: fmt.Sprint(n, "-", i), Rows: []tidemill.TableRows{{Table: table, Records: rec}},
				})
				if err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(n*i)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}
