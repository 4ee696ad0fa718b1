// Package tabular writes Arrow results for people and programs: an aligned
// table, CSV, JSON, NDJSON, Parquet or an Arrow stream. Memory is bounded by
// one record batch, and for tables by the rows that are read to find the
// widths; values are exact in every format.
package tabular

import (
	"fmt"
	"io"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
)

// Format is the name of an output format.
type Format string

// The formats.
const (
	Table   Format = "table"
	CSV     Format = "csv"
	JSON    Format = "json"
	NDJSON  Format = "ndjson"
	Parquet Format = "parquet"
	Arrow   Format = "arrow"
)

// Formats returns all formats, the one for people first.
func Formats() []Format { return []Format{Table, CSV, JSON, NDJSON, Parquet, Arrow} }

// Parse returns the format called name.
func Parse(name string) (Format, error) {
	var names []string
	for _, f := range Formats() {
		if string(f) == name {
			return f, nil
		}
		names = append(names, string(f))
	}
	return "", fmt.Errorf("unknown format %q: want one of %s", name, strings.Join(names, ", "))
}

// Write writes all of r to w and returns the number of rows. It does not
// release r.
func Write(w io.Writer, f Format, r array.RecordReader) (int64, error) {
	sink, err := open(w, f, r.Schema())
	if err != nil {
		return 0, err
	}
	var rows int64
	for r.Next() {
		rec := r.RecordBatch()
		if err := sink.write(rec); err != nil {
			return rows, fmt.Errorf("write %s: %w", f, err)
		}
		rows += rec.NumRows()
	}
	if err := r.Err(); err != nil {
		return rows, err
	}
	if err := sink.close(); err != nil {
		return rows, fmt.Errorf("write %s: %w", f, err)
	}
	return rows, nil
}

// sink receives the batches of one result. After close it holds nothing.
type sink interface {
	write(arrow.RecordBatch) error
	close() error
}

func open(w io.Writer, f Format, s *arrow.Schema) (sink, error) {
	switch f {
	case Table:
		return newTable(w, s), nil
	case CSV:
		return newCSV(w, s)
	case JSON:
		return &jsonSink{w: w, array: true, names: jsonNames(s)}, nil
	case NDJSON:
		return &jsonSink{w: w, names: jsonNames(s)}, nil
	case Parquet:
		props := parquet.NewWriterProperties(parquet.WithCompression(compress.Codecs.Zstd))
		pw, err := pqarrow.NewFileWriter(s, keepOpen{w}, props, pqarrow.NewArrowWriterProperties(pqarrow.WithStoreSchema()))
		if err != nil {
			return nil, fmt.Errorf("open parquet writer: %w", err)
		}
		return fileSink{batch: pw.WriteBuffered, end: pw.Close}, nil
	case Arrow:
		iw := ipc.NewWriter(w, ipc.WithSchema(s))
		return fileSink{batch: iw.Write, end: iw.Close}, nil
	}
	return nil, fmt.Errorf("unknown format %q", f)
}

// keepOpen hides Close, which belongs to the caller of Write.
type keepOpen struct{ io.Writer }

type fileSink struct {
	batch func(arrow.RecordBatch) error
	end   func() error
}

func (s fileSink) write(r arrow.RecordBatch) error { return s.batch(r) }
func (s fileSink) close() error                    { return s.end() }
