package records

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
)

// parquetFile has groups row groups of rows rows each.
func parquetFile(t testing.TB, groups, rows int) []byte {
	t.Helper()
	schema := arrow.NewSchema([]arrow.Field{
		{Name: "_id", Type: arrow.PrimitiveTypes.Int64},
		{Name: "text", Type: arrow.BinaryTypes.String, Nullable: true},
		{Name: "list", Type: arrow.ListOf(arrow.PrimitiveTypes.Int32), Nullable: true},
	}, nil)
	var out bytes.Buffer
	w, err := pqarrow.NewFileWriter(schema, &out, parquet.NewWriterProperties(parquet.WithCompression(compress.Codecs.Zstd)), pqarrow.DefaultWriterProps())
	if err != nil {
		t.Fatal(err)
	}
	for g := range groups {
		b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
		for i := range rows {
			b.Field(0).(*array.Int64Builder).Append(int64(g*rows + i))
			if i%3 == 0 {
				b.Field(1).AppendNull()
			} else {
				b.Field(1).(*array.StringBuilder).Append(fmt.Sprintf("text %d", i))
			}
			l := b.Field(2).(*array.ListBuilder)
			l.Append(true)
			for j := range i % 3 {
				l.ValueBuilder().(*array.Int32Builder).Append(int32(j))
			}
		}
		rec := b.NewRecordBatch()
		if err := w.Write(rec); err != nil {
			t.Fatal(err)
		}
		rec.Release()
		b.Release()
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestParquet(t *testing.T) {
	content := parquetFile(t, 3, 10)
	opts := Options{Format: Parquet, Rows: 4, Columns: []Column{{Name: "day", Value: "07"}}}
	g := read(t, content, opts)
	equal(t, []string{g.schema}, []string{"id int64, text utf8, list list<element: int32, nullable>, day utf8"})
	equal(t, g.rows[:3], []string{"0|null|[]|07", "1|text 1|[0]|07", "2|text 2|[0,1]|07"})
	if len(g.rows) != 30 || g.next != 30 {
		t.Errorf("%d rows, next %d", len(g.rows), g.next)
	}
	skips(t, content, opts, g)
	opts.Skip = 27
	equal(t, read(t, content, opts).rows, g.rows[27:])
}

func TestBrokenParquet(t *testing.T) {
	whole := parquetFile(t, 3, 1000)
	for _, content := range [][]byte{nil, []byte("PAR1"), whole[:len(whole)/2], whole[len(whole)/2:], append(bytes.Clone(whole), 0)} {
		g := read(t, content, Options{Format: Parquet})
		if len(g.rows) != 1 || !strings.HasPrefix(g.rows[0], "!0 malformed parquet: ") {
			t.Errorf("%d bytes: %.300q", len(content), g.rows)
		}
	}
	// A page that is broken loses what comes after it, not what was before.
	odd := bytes.Clone(whole)
	at := len(whole) / 2
	copy(odd[at:], bytes.Repeat([]byte{0xff}, 40))
	g := read(t, odd, Options{Format: Parquet, Rows: 100})
	if len(g.rows) < 1001 || !strings.HasPrefix(g.rows[len(g.rows)-1], "!") {
		t.Errorf("broken page: %d rows, last %.200q", len(g.rows), g.rows[len(g.rows)-1])
	}
}
