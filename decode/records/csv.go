package records

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/tidemill/tidemill"
)

// Dialect says how a CSV file is written. What is left empty is taken from
// the first MiB of the file.
//
// A type is detected only where it holds every value of the sample exactly:
// int64, decimal(38,0) for larger integers, decimal(38,9) and decimal(38,18)
// for fractions, double where an exponent is written and no digit would be
// lost, boolean for true and false, date, timestamp, timestamptz; else text.
// Numbers with leading zeros or a plus sign stay text. A later value that the
// detected type cannot hold makes its row Bad.
type Dialect struct {
	Delimiter byte
	Quote     byte
	Escape    byte
	Header    string // yes or no
	Columns   []string
	Null      []string          // unquoted text that stands for null; nil is the empty one
	Types     map[string]string // by column, * for all others; see ParseType
}

// csvReader reads a CSV file.
type csvReader struct {
	in      Input
	text    *text
	opts    Options
	d       Dialect
	cols    []csvColumn
	schema  *arrow.Schema
	build   *array.RecordBuilder
	added   []Column
	row     int64
	tok     tokens
	begun   bool
	ended   bool
	cells   []cell
	problem string // why no row of the file can be read
}

func newCSV(in Input, opts Options) *csvReader {
	return &csvReader{in: in, text: newText(in, opts), opts: opts, d: opts.CSV}
}

// Close implements Reader.
func (r *csvReader) Close() {
	r.text.close()
	if r.build != nil {
		r.build.Release()
		r.build = nil
	}
}

// Read implements Reader.
func (r *csvReader) Read() (Rows, error) {
	if !r.begun {
		r.begun = true
		if err := r.begin(); err != nil {
			return Rows{}, err
		}
	}
	var out Rows
	if r.problem != "" && !r.ended {
		r.ended = true
		b, err := r.text.rest(0, r.opts.MaxRow, r.problem)
		if err != nil {
			return Rows{}, err
		}
		if r.row = 1; r.opts.Skip == 0 {
			out.Bad = append(out.Bad, b)
		}
	}
	good := 0
	for size := 0; !r.ended && size < readBytes && good+len(out.Bad) < r.opts.Rows; {
		n, ok, err := r.record(&out)
		if err != nil {
			return Rows{}, err
		}
		size += n
		if ok {
			good++
		}
	}
	out.Next, out.Offset = r.row, r.opts.offset(r.text)
	if good > 0 {
		out.Records = withColumns(r.build.NewRecordBatch(), r.added)
	}
	if good+len(out.Bad) == 0 {
		return out, io.EOF
	}
	return out, nil
}

// begin detects what the dialect leaves open.
func (r *csvReader) begin() error {
	r.text.mark()
	for len(r.text.unread()) < sampled && r.text.fill() == nil {
	}
	if err := r.text.failed(); err != nil {
		return err
	}
	sample := r.text.unread()
	if bytes.HasPrefix(sample, []byte("\xff\xfe")) || bytes.HasPrefix(sample, []byte("\xfe\xff")) {
		r.problem = "the text is UTF-16, and only UTF-8 is read"
		return nil
	}
	whole := r.text.err != nil
	header, cols := detect(&r.d, sample, whole)
	r.cols, r.tok = cols, tokens{d: &r.d}
	switch {
	case r.opts.resumes():
		r.text.jump(r.in, r.opts.Offset)
		r.row = r.opts.Skip
	case header:
		if _, err := r.next(); err != nil {
			return err
		}
		r.text.take(r.tok.size)
	}
	fields := make([]arrow.Field, len(cols))
	for i, c := range cols {
		fields[i] = arrow.Field{Name: c.name, Type: c.kind.arrow(), Nullable: true}
	}
	r.schema = arrow.NewSchema(fields, nil)
	r.build = array.NewRecordBuilder(memory.DefaultAllocator, r.schema)
	r.added = missing(r.opts.Columns, r.schema)
	r.cells = make([]cell, len(cols))
	return nil
}

// errLong says that a record is larger than a row may be.
var errLong = errors.New("record is too long")

// next finds the end of the next record: io.EOF says that there is none,
// io.ErrUnexpectedEOF that the file ends within it.
func (r *csvReader) next() (record []byte, err error) {
	r.tok.reset()
	for {
		unread := r.text.unread()
		if r.tok.find(unread) {
			return unread[:r.tok.size], nil
		}
		if len(unread) > r.opts.MaxRow {
			return nil, errLong
		}
		if r.text.fill() == nil {
			continue
		}
		if err := r.text.failed(); err != nil {
			return nil, err
		}
		switch {
		case len(unread) == 0 && r.text.broken() == "":
			return nil, io.EOF
		case r.text.broken() != "" || r.tok.inQuotes():
			return nil, io.ErrUnexpectedEOF
		}
		r.tok.size = len(unread)
		return unread, nil
	}
}

// record reads one record; ok says that it was added to the builder.
func (r *csvReader) record(out *Rows) (size int, ok bool, err error) {
	rec, err := r.next()
	switch {
	case errors.Is(err, io.EOF):
		r.ended = true
		return 0, false, nil
	case errors.Is(err, io.ErrUnexpectedEOF):
		return 0, false, r.cut(out)
	case errors.Is(err, errLong):
		return 0, false, r.long(out)
	case err != nil:
		return 0, false, err
	}
	offset := r.text.off
	r.text.take(r.tok.size)
	size = r.tok.size
	line := bytes.TrimRight(rec, "\r\n")
	if len(line) == 0 && len(r.cols) != 1 {
		return size, false, nil // a blank line
	}
	row := r.row
	r.row++
	if row < r.opts.Skip {
		return 0, false, nil
	}
	why := r.parse(line)
	code := tidemill.Malformed
	if len(line) > r.opts.MaxRow {
		code, why = tidemill.TooLarge, "larger than max_message"
	}
	if why != "" {
		out.Bad = append(out.Bad, Bad{
			Row: row, Offset: offset, Code: code, Reason: why, Bytes: keep(line, r.opts.MaxRow), Size: int64(len(line)),
		})
		return size, false, nil
	}
	for i := range r.cells {
		r.cells[i].append(r.build.Field(i), r.cols[i].kind)
	}
	return size, true, nil
}

// parse fills cells with the values of a record, or says why it cannot.
func (r *csvReader) parse(line []byte) (why string) {
	if !utf8.Valid(line) {
		return "csv: the row is not UTF-8"
	}
	fields, why := r.tok.split(line)
	if why != "" {
		return "csv: " + why
	}
	if len(fields) != len(r.cols) {
		return fmt.Sprintf("csv: the row has %d fields, not %d", len(fields), len(r.cols))
	}
	for i, f := range fields {
		c := &r.cells[i]
		*c = cell{}
		if r.d.isNull(f) || len(f.text) == 0 && r.cols[i].kind.name != kindText {
			c.null = true
			continue
		}
		if !c.parse(f.text, r.cols[i].kind) {
			return fmt.Sprintf("csv: column %s is of type %s, which %q is not; set its type to text", r.cols[i].name, r.cols[i].kind, shorten(f.text))
		}
	}
	return ""
}

// cut makes what is left one bad row: a quoted field or the compressed stream
// does not end.
func (r *csvReader) cut(out *Rows) error {
	r.ended = true
	why := "csv: a quoted field does not end"
	if broken := r.text.broken(); broken != "" {
		why = broken
	}
	b, err := r.text.rest(r.row, r.opts.MaxRow, why)
	if err != nil {
		return err
	}
	if r.row++; b.Row >= r.opts.Skip {
		out.Bad = append(out.Bad, b)
	}
	return nil
}

// long passes over a record that is larger than a row may be.
func (r *csvReader) long(out *Rows) error {
	start, kept := r.text.off, keep(r.text.unread(), r.opts.MaxRow)
	for {
		unread := r.text.unread()
		if r.tok.find(unread) {
			r.text.take(r.tok.size)
			break
		}
		r.text.take(len(unread))
		r.tok.scanned = 0
		if r.text.fill() != nil {
			r.ended = true
			break
		}
	}
	if err := r.text.failed(); err != nil {
		return err
	}
	row := r.row
	if r.row++; row >= r.opts.Skip {
		out.Bad = append(out.Bad, tooLarge(row, start, kept, r.text.off-start, r.opts.MaxRow))
	}
	return nil
}

func shorten(b []byte) []byte {
	const most = 60
	return b[:min(len(b), most)]
}
