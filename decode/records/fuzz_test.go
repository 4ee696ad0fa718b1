package records

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

// fuzz checks, for whatever bytes: no panic, no error, an end, and rows that
// do not depend on where reading begins.
func fuzz(f *testing.F, opts Options, seeds ...[]byte) {
	for _, s := range seeds {
		f.Add(s, uint8(0))
		f.Add(s[:len(s)/2], uint8(1))
	}
	opts.MaxRow, opts.Rows = 1<<10, 16
	f.Fuzz(func(t *testing.T, content []byte, skip uint8) {
		whole := count(t, content, opts)
		part := opts
		part.Skip = min(int64(skip), whole.next)
		rest := count(t, content, part)
		// A block that is lost counts as many rows as it had, in one letter.
		if opts.Format != Avro && rest.rows != whole.rows-int(part.Skip) {
			t.Fatalf("%d rows, %d after %d", whole.rows, rest.rows, part.Skip)
		}
		if opts.Format != Avro && int64(whole.rows) != whole.next {
			t.Fatalf("%d rows are counted as %d", whole.rows, whole.next)
		}
		if opts.Compression == Plain && rest.rows > 0 && opts.Format != Parquet && opts.Format != Avro {
			on := part
			on.Skip, on.Offset = whole.middle, whole.offset
			if more := count(t, content, on); int64(more.rows) != whole.next-whole.middle {
				t.Fatalf("%d rows, %d after %d at offset %d", whole.rows, more.rows, on.Skip, on.Offset)
			}
		}
		if opts.Format == NDJSON || opts.Format == JSON {
			a := read(t, content, opts)
			b, err := readFrom(iotest.OneByteReader(bytes.NewReader(content)), nil, 0, opts)
			if err != nil || strings.Join(a.rows, "\n") != strings.Join(b.rows, "\n") {
				t.Fatalf("in one piece %q, byte by byte %q, %v", a.rows, b.rows, err)
			}
		}
	})
}

type counted struct {
	rows           int
	next           int64
	middle, offset int64 // of the first read
}

func count(t *testing.T, content []byte, opts Options) (c counted) {
	t.Helper()
	r, err := Open(Input{Stream: from(bytes.NewReader(content)), At: bytes.NewReader(content), Size: int64(len(content))}, opts)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for range 1 << 16 {
		rows, err := r.Read()
		if errors.Is(err, io.EOF) {
			return c
		}
		if err != nil {
			t.Fatal(err)
		}
		n := len(rows.Texts) + len(rows.Bad)
		if rows.Records != nil {
			n += int(rows.Records.NumRows())
			_ = fmt.Sprint(rows.Records) // every value can be printed
			rows.Records.Release()
		}
		for _, b := range rows.Bad {
			if b.Code == "" || b.Reason == "" || len(b.Bytes) > opts.MaxRow && opts.Format != Parquet {
				t.Fatalf("bad row %+v", b)
			}
		}
		if n == 0 {
			t.Fatal("a read gave nothing")
		}
		if c.rows == 0 {
			c.middle, c.offset = rows.Next, rows.Offset
		}
		c.rows, c.next = c.rows+n, rows.Next
	}
	t.Fatal("it does not end")
	return c
}

func FuzzNDJSON(f *testing.F) {
	fuzz(f, Options{Format: NDJSON}, []byte("{\"a\":1}\n\n[2]\r\n"+strings.Repeat("x", 3000)+"\n3"))
}

func FuzzJSON(f *testing.F) {
	fuzz(f, Options{Format: JSON}, []byte(`[{"a":"\"]"},2,"x",[[]]]`), []byte("{}\n{}"), []byte("["+strings.Repeat("[", 1100)+strings.Repeat("]", 1100)+"]"), []byte(`["`+strings.Repeat("x", 3000)+`",1]`))
}

func FuzzCSV(f *testing.F) {
	fuzz(f, Options{Format: CSV}, []byte("a,b\n1,\"x\"\"y\"\n2\n\xff,3\n"), []byte("a;b\n1,5;2024-01-01\n"), []byte("x\n"+strings.Repeat("y", 3000)+"\n"), []byte("a\t'b'\n'1'\t'\n'"))
}

func FuzzGzip(f *testing.F) {
	fuzz(f, Options{Format: NDJSON, Compression: Gzip}, gz(f, "1\n2\n"), gz(f, "1\n", "2"))
}

func FuzzZstd(f *testing.F) {
	fuzz(f, Options{Format: NDJSON, Compression: Zstd}, zst(f, "1\n2\n"), zst(f, strings.Repeat("1\n", 5000)))
}

func FuzzParquet(f *testing.F) {
	fuzz(f, Options{Format: Parquet}, parquetFile(f, 1, 3), parquetFile(f, 2, 20))
}

func FuzzAvro(f *testing.F) {
	fuzz(f, Options{Format: Avro}, avroFile(f, "null"), avroFile(f, "deflate"), avroFile(f, "snappy"), avroFile(f, "zstandard"))
}

func FuzzAvroSchema(f *testing.F) {
	f.Add([]byte(`{"type":"record","name":"R","fields":[{"name":"a","type":["null","R"]},{"name":"b","type":{"type":"map","values":"long"}}]}`), []byte("\x00\x02"))
	f.Fuzz(func(t *testing.T, schema, rows []byte) {
		var out bytes.Buffer
		out.WriteString("Obj\x01\x02\x16avro.schema")
		out.Write(varint(int64(len(schema))))
		out.Write(schema)
		out.WriteString("\x00sync-mark-of-16b")
		out.Write(varint(2))
		out.Write(varint(int64(len(rows))))
		out.Write(rows)
		out.WriteString("sync-mark-of-16b")
		count(t, out.Bytes(), Options{Format: Avro, MaxRow: 1 << 10, Rows: 16})
	})
}

func varint(v int64) []byte {
	u := uint64(v)<<1 ^ uint64(v>>63)
	var b []byte
	for u >= 0x80 {
		b = append(b, byte(u)|0x80)
		u >>= 7
	}
	return append(b, byte(u))
}
