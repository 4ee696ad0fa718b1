package tabular

import (
	"encoding/csv"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow"
)

type csvSink struct {
	w   *csv.Writer
	row []string
}

func newCSV(w io.Writer, s *arrow.Schema) (*csvSink, error) {
	c := &csvSink{w: csv.NewWriter(w), row: make([]string, s.NumFields())}
	for i, f := range s.Fields() {
		c.row[i] = f.Name
	}
	return c, c.w.Write(c.row)
}

func (c *csvSink) write(rec arrow.RecordBatch) error {
	for i := range int(rec.NumRows()) {
		for j := range c.row {
			c.row[j] = text(rec.Column(j), i)
		}
		if err := c.w.Write(c.row); err != nil {
			return err
		}
	}
	c.w.Flush()
	return c.w.Error()
}

func (c *csvSink) close() error {
	c.w.Flush()
	return c.w.Error()
}

type jsonSink struct {
	w     io.Writer
	array bool
	names [][]byte
	rows  int64
	buf   []byte
}

func jsonNames(s *arrow.Schema) [][]byte {
	names := make([][]byte, s.NumFields())
	for i, f := range s.Fields() {
		names[i] = append(appendString(nil, f.Name), ':')
	}
	return names
}

func (j *jsonSink) write(rec arrow.RecordBatch) error {
	for i := range int(rec.NumRows()) {
		j.buf = j.buf[:0]
		switch {
		case j.array && j.rows == 0:
			j.buf = append(j.buf, "[\n"...)
		case j.array:
			j.buf = append(j.buf, ",\n"...)
		}
		j.buf = append(j.buf, '{')
		for c, name := range j.names {
			if c > 0 {
				j.buf = append(j.buf, ',')
			}
			j.buf = appendJSON(append(j.buf, name...), rec.Column(c), i)
		}
		j.buf = append(j.buf, '}')
		if !j.array {
			j.buf = append(j.buf, '\n')
		}
		if _, err := j.w.Write(j.buf); err != nil {
			return err
		}
		j.rows++
	}
	return nil
}

func (j *jsonSink) close() error {
	if !j.array {
		return nil
	}
	end := "\n]\n"
	if j.rows == 0 {
		end = "[]\n"
	}
	_, err := io.WriteString(j.w, end)
	return err
}

// sample is how many rows are read before the widths of a table are fixed. A
// longer value that comes later pushes its row out of line, but is not cut.
const sample = 1000

type tableSink struct {
	w      io.Writer
	names  []string
	right  []bool
	widths []int
	held   [][]string
	open   bool // the header is written, rows go straight through
	line   strings.Builder
}

func newTable(w io.Writer, s *arrow.Schema) *tableSink {
	t := &tableSink{w: w}
	for _, f := range s.Fields() {
		t.names = append(t.names, f.Name)
		t.widths = append(t.widths, utf8.RuneCountInString(f.Name))
		id := f.Type.ID()
		t.right = append(t.right, arrow.IsInteger(id) || arrow.IsFloating(id) || arrow.IsDecimal(id))
	}
	return t
}

func (t *tableSink) write(rec arrow.RecordBatch) error {
	for i := range int(rec.NumRows()) {
		row := make([]string, len(t.names))
		for j := range row {
			row[j] = strings.Clone(oneLine(text(rec.Column(j), i))) // what an array returns dies with its batch
			if rec.Column(j).IsNull(i) {
				row[j] = "NULL"
			}
		}
		if t.open {
			if err := t.print(row); err != nil {
				return err
			}
			continue
		}
		t.held = append(t.held, row)
		if len(t.held) == sample {
			if err := t.begin(); err != nil {
				return err
			}
		}
	}
	return nil
}

func (t *tableSink) close() error {
	if t.open {
		return nil
	}
	return t.begin()
}

// begin fixes the widths and prints what was held back for them.
func (t *tableSink) begin() error {
	for _, row := range t.held {
		for j, v := range row {
			t.widths[j] = max(t.widths[j], utf8.RuneCountInString(v))
		}
	}
	t.open = true
	rule := make([]string, len(t.names))
	for j, w := range t.widths {
		rule[j] = strings.Repeat("-", w)
	}
	for _, row := range append([][]string{t.names, rule}, t.held...) {
		if err := t.print(row); err != nil {
			return err
		}
	}
	t.held = nil
	return nil
}

func (t *tableSink) print(row []string) error {
	t.line.Reset()
	for j, v := range row {
		if j > 0 {
			t.line.WriteString("  ")
		}
		pad := strings.Repeat(" ", max(0, t.widths[j]-utf8.RuneCountInString(v)))
		switch {
		case t.right[j]:
			t.line.WriteString(pad + v)
		case j == len(row)-1:
			t.line.WriteString(v)
		default:
			t.line.WriteString(v + pad)
		}
	}
	_, err := io.WriteString(t.w, t.line.String()+"\n")
	return err
}

// oneLine keeps a value from breaking the table, or the terminal.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return '·'
		}
		return r
	}, s)
}
