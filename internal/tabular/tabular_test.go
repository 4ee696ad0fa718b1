package tabular_test

import (
	"bytes"
	"encoding/json"
	"math"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet/file"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/internal/tabular"
)

// result returns two rows that hold what is easily got wrong: an integer
// above 2^53, a quote and a comma, JSON, a NaN, nested values and nulls.
func result(t *testing.T) array.RecordReader {
	t.Helper()
	s := arrow.NewSchema([]arrow.Field{
		{Name: "n", Type: arrow.PrimitiveTypes.Int64, Nullable: true},
		{Name: "s", Type: arrow.BinaryTypes.String, Nullable: true},
		{Name: "j", Type: tidemill.JSON(), Nullable: true},
		{Name: "f", Type: arrow.PrimitiveTypes.Float64, Nullable: true},
		{Name: "t", Type: tidemill.Timestamp(), Nullable: true},
		{Name: "l", Type: arrow.ListOf(arrow.PrimitiveTypes.Int32), Nullable: true},
	}, nil)
	b := array.NewRecordBuilder(memory.DefaultAllocator, s)
	defer b.Release()
	b.Field(0).(*array.Int64Builder).Append(1<<53 + 1)
	b.Field(1).(*array.StringBuilder).Append("a \"b\",\n<c>")
	b.Field(2).(*array.ExtensionBuilder).StorageBuilder().(*array.StringBuilder).Append(`{"x": 1.10}`)
	b.Field(3).(*array.Float64Builder).Append(math.NaN())
	b.Field(4).(*array.TimestampBuilder).Append(1_500_000)
	l := b.Field(5).(*array.ListBuilder)
	l.Append(true)
	l.ValueBuilder().(*array.Int32Builder).AppendValues([]int32{1, 2}, nil)
	for i := range 6 {
		b.Field(i).AppendNull()
	}
	rec := b.NewRecordBatch()
	defer rec.Release()
	r, err := array.NewRecordReader(s, []arrow.RecordBatch{rec})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Release)
	return r
}

func TestText(t *testing.T) {
	for f, want := range map[tabular.Format]string{
		tabular.CSV:    "n,s,j,f,t,l\n9007199254740993,\"a \"\"b\"\",\n<c>\",\"{\"\"x\"\": 1.10}\",NaN,1970-01-01T00:00:01.5Z,\"[1,2]\"\n,,,,,\n",
		tabular.NDJSON: `{"n":9007199254740993,"s":"a \"b\",\n<c>","j":{"x":1.10},"f":"NaN","t":"1970-01-01T00:00:01.5Z","l":[1,2]}` + "\n" + `{"n":null,"s":null,"j":null,"f":null,"t":null,"l":null}` + "\n",
		tabular.Table: "" +
			"               n  s           j               f  t                       l\n" +
			"----------------  ----------  -----------  ----  ----------------------  -----\n" +
			"9007199254740993  a \"b\",·<c>  {\"x\": 1.10}   NaN  1970-01-01T00:00:01.5Z  [1,2]\n" +
			"            NULL  NULL        NULL         NULL  NULL                    NULL\n",
	} {
		var out bytes.Buffer
		if n, err := tabular.Write(&out, f, result(t)); err != nil || n != 2 {
			t.Fatalf("%s: %d rows, %v", f, n, err)
		}
		if out.String() != want {
			t.Errorf("%s:\n%s\nwant\n%s", f, out.String(), want)
		}
	}
}

func TestJSONIsOneArray(t *testing.T) {
	var out bytes.Buffer
	if _, err := tabular.Write(&out, tabular.JSON, result(t)); err != nil {
		t.Fatal(err)
	}
	var rows []map[string]any
	if err := json.Unmarshal(out.Bytes(), &rows); err != nil || len(rows) != 2 {
		t.Fatalf("%d rows, %v:\n%s", len(rows), err, out.String())
	}
}

func TestFilesReadBack(t *testing.T) {
	var out bytes.Buffer
	if _, err := tabular.Write(&out, tabular.Parquet, result(t)); err != nil {
		t.Fatal(err)
	}
	p, err := file.NewParquetReader(bytes.NewReader(out.Bytes()))
	if err != nil || p.NumRows() != 2 {
		t.Fatalf("parquet: %v", err)
	}
	out.Reset()
	if _, err := tabular.Write(&out, tabular.Arrow, result(t)); err != nil {
		t.Fatal(err)
	}
	r, err := ipc.NewReader(&out)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Release()
	if !r.Next() || r.RecordBatch().NumRows() != 2 || r.Schema().Field(2).Type.ID() != arrow.EXTENSION {
		t.Fatalf("arrow: %v", r.Schema())
	}
}

func TestParseNamesTheFormats(t *testing.T) {
	if _, err := tabular.Parse("cvs"); err == nil {
		t.Fatal("no error")
	}
	if f, err := tabular.Parse("csv"); err != nil || f != tabular.CSV {
		t.Fatal(f, err)
	}
}
