package records

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/klauspost/compress/zstd"
)

// got is what a file gave, in the order of its rows.
type got struct {
	rows   []string // "TEXT", "a|b|null" or "!CODE reason"
	schema string
	next   int64
}

// read reads a file to its end. It fails the test where rows are not counted
// one by one, or end with an error.
func read(t testing.TB, content []byte, opts Options) got {
	t.Helper()
	g, err := readFrom(bytes.NewReader(content), bytes.NewReader(content), int64(len(content)), opts)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// from streams r, from an offset only what can seek.
func from(r io.Reader) func(int64) io.Reader {
	return func(offset int64) io.Reader {
		if offset > 0 {
			if _, err := r.(io.Seeker).Seek(offset, io.SeekStart); err != nil {
				panic(err)
			}
		}
		return r
	}
}

func readFrom(r io.Reader, at io.ReaderAt, size int64, opts Options) (got, error) {
	var g got
	reader, err := Open(Input{Stream: from(r), At: at, Size: size}, opts)
	if err != nil {
		return g, err
	}
	defer reader.Close()
	for {
		rows, err := reader.Read()
		if rows.Records != nil {
			g.schema = schemaText(rows.Records.Schema())
			for i := range int(rows.Records.NumRows()) {
				g.rows = append(g.rows, rowText(rows.Records, i))
			}
			rows.Records.Release()
		}
		for len(rows.Texts)+len(rows.Bad) > 0 {
			if len(rows.Bad) == 0 || len(rows.Texts) > 0 && rows.Texts[0].Row < rows.Bad[0].Row {
				g.rows = append(g.rows, string(rows.Texts[0].Value))
				rows.Texts = rows.Texts[1:]
				continue
			}
			b := rows.Bad[0]
			g.rows = append(g.rows, fmt.Sprintf("!%d %s %s: %s", b.Row, b.Code, b.Reason, b.Bytes))
			rows.Bad = rows.Bad[1:]
		}
		if errors.Is(err, io.EOF) {
			return g, nil
		}
		if err != nil {
			return g, err
		}
		g.next = rows.Next
	}
}

func schemaText(s *arrow.Schema) string {
	var all []string
	for _, f := range s.Fields() {
		all = append(all, f.Name+" "+f.Type.String())
	}
	return strings.Join(all, ", ")
}

func rowText(rec arrow.RecordBatch, i int) string {
	var all []string
	for _, c := range rec.Columns() {
		if c.IsNull(i) {
			all = append(all, "null")
			continue
		}
		if s, ok := c.(*array.String); ok {
			all = append(all, s.Value(i))
			continue
		}
		all = append(all, c.ValueStr(i))
	}
	return strings.Join(all, "|")
}

// offsets checks that a file read on from the place after each read gives the
// rows after it.
func offsets(t testing.TB, content []byte, opts Options, whole got) {
	t.Helper()
	opts.Rows = 1
	r, err := Open(Input{Stream: from(bytes.NewReader(content))}, opts)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for range 20 {
		rows, err := r.Read()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if rows.Records != nil {
			rows.Records.Release()
		}
		on := opts
		on.Skip, on.Offset = rows.Next, rows.Offset
		if rows.Offset == 0 && opts.Format != JSON {
			t.Fatalf("no offset after row %d", rows.Next)
		}
		equal(t, read(t, content, on).rows, whole.rows[rows.Next:])
	}
}

func gz(t testing.TB, parts ...string) []byte {
	t.Helper()
	var out bytes.Buffer
	for _, p := range parts {
		w := gzip.NewWriter(&out)
		if _, err := w.Write([]byte(p)); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return out.Bytes()
}

func zst(t testing.TB, s string) []byte {
	t.Helper()
	w, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	return w.EncodeAll([]byte(s), nil)
}

// equal compares rows; one of want that ends in * stands for all that begin so.
func equal(t testing.TB, rows, want []string) {
	t.Helper()
	for i := range max(len(rows), len(want)) {
		switch {
		case i >= len(rows):
			t.Errorf("row %d is missing: %q", i, want[i])
		case i >= len(want):
			t.Errorf("row %d is too many: %q", i, rows[i])
		case strings.HasSuffix(want[i], "*") && strings.HasPrefix(rows[i], strings.TrimSuffix(want[i], "*")):
		case rows[i] != want[i]:
			t.Errorf("row %d is %.300q, not %.300q", i, rows[i], want[i])
		}
	}
}

func TestText(t *testing.T) {
	deep := strings.Repeat("[", maxDepth+1) + strings.Repeat("]", maxDepth+1)
	long := `"` + strings.Repeat("x", 700<<10) + `"`
	for _, c := range []struct {
		name    string
		format  Format
		content string
		want    []string
	}{
		{"lines", NDJSON, "\xef\xbb\xbf{\"a\":1}\r\n\n  \n 2 \n3", []string{`{"a":1}`, "2", "3"}},
		{"no lines", NDJSON, "", nil},
		{"long line", NDJSON, "1\n" + long + "\n2", []string{"1", "!1 too_large larger than max_message: *", "2"}},
		{"array", JSON, ` [ {"a":"]},[\""} , 2,null,"x" ,[[]]] ` + "\n", []string{`{"a":"]},[\""}`, "2", "null", `"x"`, "[[]]"}},
		{"empty array", JSON, "[]", nil},
		{"no array", JSON, `{"a":1}{"b":2}` + "\n3 4\n", []string{`{"a":1}`, `{"b":2}`, "3", "4"}},
		{"long element", JSON, "[1," + long + ",2]", []string{"1", "!1 too_large larger than max_message: *", "2"}},
		{"deep element", JSON, "[1," + deep + ",2]", []string{"1", "!1 malformed json: nested deeper than 1000 levels: *", "2"}},
		{"deep and cut", JSON, "[1," + deep[:900], []string{"1", "!1 malformed the file ends within a value: *"}},
		{"cut array", JSON, `[1,{"a":`, []string{"1", `!1 malformed the file ends within a value: {"a":`}},
		{"no end", JSON, `[1,2`, []string{"1", `!1 malformed the file ends within a value: 2`}},
		{"no bracket", JSON, `["1" `, []string{`"1"`, "!1 malformed the file ends within the array: "}},
		{"two commas", JSON, `[1,,2]`, []string{"1", "!1 malformed a comma stands where a value should: ,2]"}},
		{"last comma", JSON, `[1,]`, []string{"1", "!1 malformed the array ends after a comma: ]"}},
		{"no comma", JSON, `[1 2]`, []string{"1", "!1 malformed no comma stands between two values: 2]"}},
		{"more", JSON, `[1] x`, []string{"1", "!1 malformed there is more after the end of the array: x"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			opts := Options{Format: c.format, MaxRow: 600 << 10}
			whole := read(t, []byte(c.content), opts)
			equal(t, whole.rows, c.want)
			bytewise, err := readFrom(iotest.OneByteReader(strings.NewReader(c.content)), nil, 0, opts)
			if err != nil {
				t.Fatal(err)
			}
			equal(t, bytewise.rows, whole.rows)
			skips(t, []byte(c.content), opts, whole)
			offsets(t, []byte(c.content), opts, whole)
		})
	}
}

// skips checks that a file read from each of its rows gives the rows after it.
func skips(t testing.TB, content []byte, opts Options, whole got) {
	t.Helper()
	for n := range min(len(whole.rows), 20) + 1 {
		opts.Skip = int64(n)
		equal(t, read(t, content, opts).rows, whole.rows[n:])
	}
}

func TestCompressed(t *testing.T) {
	whole := gz(t, "1\n2\n3\n")
	packed := zst(t, "1\n2\n")
	for _, c := range []struct {
		name    string
		kind    Compression
		content []byte
		want    []string
	}{
		{"gzip", Gzip, gz(t, "1\n", "2\n3", "4\n"), []string{"1", "2", "34"}},
		{"zstd", Zstd, append(append([]byte{}, packed...), packed...), []string{"1", "2", "1", "2"}},
		{"empty", Gzip, nil, nil},
		{"no gzip", Gzip, []byte("plain text"), []string{"!0 malformed the compressed stream is broken here*"}},
		{"half a header", Gzip, whole[:5], []string{"!0 malformed the compressed stream is cut off here: "}},
		{"no trailer", Gzip, whole[:len(whole)-4], []string{"1", "2", "3", "!3 malformed the compressed stream is cut off here: "}},
		{"wrong sum", Gzip, append(append([]byte{}, whole[:len(whole)-8]...), make([]byte, 8)...), []string{"1", "2", "3", "!3 malformed the compressed stream is broken here*"}},
		{"no zstd", Zstd, []byte("plain text"), []string{"!0 malformed the compressed stream is broken here*"}},
		{"half a frame", Zstd, packed[:len(packed)-3], []string{"!0 malformed the compressed stream is cut off here*"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := read(t, c.content, Options{Format: NDJSON, Compression: c.kind})
			equal(t, g.rows, c.want)
			if c.name == "gzip" || c.name == "no trailer" {
				skips(t, c.content, Options{Format: NDJSON, Compression: c.kind}, g)
			}
		})
	}
	cut := gz(t, `[1,2,"three"]`)
	equal(t, read(t, cut[:len(cut)-9], Options{Format: JSON, Compression: Gzip}).rows, []string{"1", "2", `"three"`, "!3 malformed the compressed stream is cut off here*"})
	cut = gz(t, "a,b\n1,2\n3,4\n")
	equal(t, read(t, cut[:len(cut)-4], Options{Format: CSV, Compression: Gzip}).rows, []string{"1|2", "3|4", "!2 malformed the compressed stream is cut off here*"})
}

// An error of the input is not the file's: it is told, and no row is bad.
func TestInputError(t *testing.T) {
	lost := errors.New("connection lost")
	for _, f := range Formats() {
		content := map[Format]string{NDJSON: "1\n2", JSON: "[1,", CSV: "a,b\n1,2\n3", Avro: "Obj\x01"}[f]
		r := io.MultiReader(strings.NewReader(content), iotest.ErrReader(lost))
		g, err := readFrom(r, failingAt{lost}, 100, Options{Format: f})
		if !errors.Is(err, lost) {
			t.Errorf("%s: got %v and %q", f, err, g.rows)
		}
		for _, row := range g.rows {
			if strings.HasPrefix(row, "!") {
				t.Errorf("%s: bad row %q", f, row)
			}
		}
	}
	for _, kind := range []Compression{Gzip, Zstd} {
		packed := gz(t, strings.Repeat("some text\n", 1000))
		if kind == Zstd {
			packed = zst(t, strings.Repeat("some text\n", 1000))
		}
		r := io.MultiReader(bytes.NewReader(packed[:len(packed)/2]), iotest.ErrReader(lost))
		if _, err := readFrom(r, nil, 0, Options{Format: NDJSON, Compression: kind}); !errors.Is(err, lost) {
			t.Errorf("%s: got %v", kind, err)
		}
	}
}

type failingAt struct{ err error }

func (f failingAt) ReadAt([]byte, int64) (int, error) { return 0, f.err }

func TestOpenRefuses(t *testing.T) {
	for _, opts := range []Options{{}, {Format: "xml"}, {Format: Parquet, Compression: Gzip}, {Format: Avro, Compression: Zstd}} {
		if _, err := Open(Input{Stream: from(strings.NewReader(""))}, opts); err == nil {
			t.Errorf("%v was opened", opts)
		}
	}
}
