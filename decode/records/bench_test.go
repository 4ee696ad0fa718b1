package records

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
)

// The floor of each is what the machine needs to look at every byte for a
// line break.
func BenchmarkRead(b *testing.B) {
	var table, lines strings.Builder
	table.WriteString("id,code,price,at,name,flag\n")
	for i := range 100_000 {
		fmt.Fprintf(&table, "%d,%05d,%d.%02d,2024-01-%02dT10:00:00Z,customer name %d,%t\n", i, i%1000, i%997, i%100, 1+i%28, i%5000, i%3 == 0)
		fmt.Fprintf(&lines, `{"id":%d,"code":"%05d","name":"customer name %d"}`+"\n", i, i%1000, i%5000)
	}
	avro := avroFile(b, "null")
	for _, c := range []struct {
		name    string
		content []byte
		opts    Options
	}{
		{"csv", []byte(table.String()), Options{Format: CSV}},
		{"csv text", []byte(table.String()), Options{Format: CSV, CSV: Dialect{Types: map[string]string{"*": "text"}}}},
		{"ndjson", []byte(lines.String()), Options{Format: NDJSON}},
		{"json", []byte("[" + strings.ReplaceAll(strings.TrimSpace(lines.String()), "\n", ",") + "]"), Options{Format: JSON}},
		{"ndjson gzip", gz(b, lines.String()), Options{Format: NDJSON, Compression: Gzip}},
		{"parquet", parquetFile(b, 4, 25_000), Options{Format: Parquet}},
		{"avro", avro, Options{Format: Avro}},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.SetBytes(int64(len(c.content)))
			rows := 0
			for b.Loop() {
				r, err := Open(Input{Stream: from(bytes.NewReader(c.content)), At: bytes.NewReader(c.content), Size: int64(len(c.content))}, c.opts)
				if err != nil {
					b.Fatal(err)
				}
				for {
					got, err := r.Read()
					if errors.Is(err, io.EOF) {
						break
					}
					if err != nil {
						b.Fatal(err)
					}
					rows += len(got.Texts)
					if got.Records != nil {
						rows += int(got.Records.NumRows())
						got.Records.Release()
					}
				}
				r.Close()
			}
			b.ReportMetric(float64(rows)/b.Elapsed().Seconds(), "rows/s")
		})
	}
	b.Run("floor", func(b *testing.B) {
		content := []byte(table.String())
		b.SetBytes(int64(len(content)))
		for b.Loop() {
			_ = bytes.Count(content, []byte("\n"))
		}
	})
}
