// Package records reads files of rows: lines and arrays of JSON, CSV, Parquet
// and Avro, the first three also within gzip and zstd.
//
// JSON comes out as text, one value each, for package decode to read; the
// other formats come out as Arrow records. Types are those of the file; CSV,
// which has none, is given types that hold every value of a sample exactly
// (see CSV), and no value is ever cast into one that cannot hold it.
//
// Whatever the bytes are, a Reader neither panics nor loses a row in silence:
// a row that cannot be read is a Bad with its number, bytes and reason, and
// where a file is broken for good, what is left of it is one Bad. All memory
// is bounded by Options, not by the size of the file.
//
// A row's number does not depend on where reading began, so that a file can
// be read on from a number that was noted before; see Options.Skip.
package records

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/tidemill/tidemill"
)

// Format is how a file holds its rows.
type Format string

// The formats.
const (
	NDJSON  Format = "ndjson"  // a JSON value on each line
	JSON    Format = "json"    // an array of values, or values one after another
	CSV     Format = "csv"     // text, separated by some character
	Parquet Format = "parquet" // Apache Parquet
	Avro    Format = "avro"    // Avro object container file
)

// Compression is what is around the bytes of a format.
type Compression string

// The compressions.
const (
	Plain Compression = ""
	Gzip  Compression = "gzip" // one member or several
	Zstd  Compression = "zstd"
)

// Input is a file. Stream returns its content from an offset, of all formats
// but Parquet, which needs At and Size; it is called once or, to read on at an
// offset, twice. An error of any of them that is not io.EOF is not the file's
// fault: Read returns it as it is.
type Input struct {
	Stream func(from int64) io.Reader
	At     io.ReaderAt
	Size   int64 // in bytes, as it is stored; 0 if unknown, but of Parquet
}

// Options say what is in a file and how much of it is held at a time.
type Options struct {
	Format      Format
	Compression Compression
	CSV         Dialect
	Skip        int64    // rows that are passed over, bad ones counted
	Offset      int64    // where they end, as Rows.Offset told; 0 if unknown
	MaxRow      int      // bytes of a row, above which it is Bad; 0 is 16 MiB
	Rows        int      // rows of one Read at most; 0 is 8192
	Columns     []Column // added to records where the file has no column of that name
}

// Column is a column with the same text in every row.
type Column struct {
	Name, Value string
	Null        bool
}

// Rows is what one Read returns. Records, if not nil, is for the caller to
// release.
type Rows struct {
	Texts   []Text
	Records arrow.RecordBatch
	Bad     []Bad
	Next    int64 // number of the row after these, counted from 0
	Offset  int64 // where that row is read on; 0 if it is only found by reading all before it
}

// Text is a JSON value as it stands in the file.
type Text struct {
	Row    int64 // counted from 0
	Offset int64 // of its first byte, in the content after decompression
	Value  []byte
}

// Bad is a row that could not be read, or all that is left of a broken file.
type Bad struct {
	Row    int64 // counted from 0
	Offset int64 // of its first byte in the content after decompression; -1 if unknown
	Code   tidemill.Code
	Reason string
	Bytes  []byte // as many as are kept
	Size   int64  // all of them, as far as known
}

// Reader reads rows in their order. It is not safe for concurrent use.
type Reader interface {
	// Read returns the next rows, or io.EOF at the end, also where the file
	// was broken. Any other error is one of Input.
	Read() (Rows, error)

	// Close frees what the reader holds; it does not close the Input.
	Close()
}

const (
	defaultMaxRow = 16 << 20
	defaultRows   = 8192

	// readBytes is about how much text one Read returns.
	readBytes = 4 << 20

	// maxDepth is how deep values may nest.
	maxDepth = 1000
)

// Open returns a reader of in. It fails only where opts make no sense; what
// is wrong with the file, Read tells.
func Open(in Input, opts Options) (Reader, error) {
	if opts.MaxRow <= 0 {
		opts.MaxRow = defaultMaxRow
	}
	if opts.Rows <= 0 {
		opts.Rows = defaultRows
	}
	if opts.Compression != Plain && (opts.Format == Parquet || opts.Format == Avro) {
		return nil, fmt.Errorf("%s has compression of its own, and is not read within %s", opts.Format, opts.Compression)
	}
	switch opts.Format {
	case NDJSON:
		return &lines{in: in, text: newText(in, opts), opts: opts}, nil
	case JSON:
		return &values{in: in, text: newText(in, opts), opts: opts}, nil
	case CSV:
		return newCSV(in, opts), nil
	case Parquet:
		return newParquet(in, opts), nil
	case Avro:
		return newAvro(in, opts), nil
	}
	return nil, fmt.Errorf("format %q is not known", opts.Format)
}

// resumes reports whether reading goes on at Offset rather than by passing
// rows over.
func (o Options) resumes() bool { return o.Offset > 0 && o.Compression == Plain }

// offset is where t can be read on.
func (o Options) offset(t *text) int64 {
	if o.Compression != Plain {
		return 0
	}
	return t.off
}

// Formats returns the names of all formats.
func Formats() []Format { return []Format{NDJSON, JSON, CSV, Parquet, Avro} }

// Known reports whether f is a format.
func (f Format) Known() bool { return slices.Contains(Formats(), f) }

// inputError is an error of the Input rather than of what it holds.
type inputError struct{ err error }

func (e *inputError) Error() string { return e.err.Error() }
func (e *inputError) Unwrap() error { return e.err }

// input marks the errors of r, so that they can be told from those of
// decoders which pass them on.
type input struct {
	r   io.Reader
	err error // the first one that is not io.EOF
}

func (i *input) Read(p []byte) (int, error) {
	if i.err != nil {
		return 0, i.err
	}
	n, err := i.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		i.err = &inputError{err}
		err = i.err
	}
	return n, err
}

// keep returns a copy of the first bytes of b that are kept of a bad row.
func keep(b []byte, most int) []byte { return slices.Clone(b[:min(len(b), most)]) }
