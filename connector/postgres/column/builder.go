package column

import (
	"errors"
	"fmt"
	"math"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// Builder builds record batches of one list of columns, value by value. A row
// is one call of Append or AppendText for each column, in any order. It is
// not safe for concurrent use.
type Builder struct {
	schema   *arrow.Schema
	names    []string
	build    *array.RecordBuilder
	cells    []cell
	fields   []array.Builder
	size     int64
	rejected []int
}

// cell appends values to one Arrow builder. A value that it refuses may leave
// an entry behind, but no more than one.
type cell interface {
	binary(v []byte) error
	text(v []byte) error
}

// NewBuilder returns a Builder of columns that Resolve has returned.
func NewBuilder(columns []Column) (*Builder, error) {
	fields := make([]arrow.Field, len(columns))
	for i, c := range columns {
		if c.kind == unknown {
			return nil, fmt.Errorf("column %q: its type was not resolved", c.Name)
		}
		fields[i] = c.Field()
	}
	b := &Builder{schema: arrow.NewSchema(fields, nil)}
	b.build = array.NewRecordBuilder(memory.DefaultAllocator, b.schema)
	for i, c := range columns {
		b.names = append(b.names, c.Name)
		b.fields = append(b.fields, b.build.Field(i))
		b.cells = append(b.cells, newCell(c, b.build.Field(i)))
	}
	return b, nil
}

// Schema returns the schema of the records.
func (b *Builder) Schema() *arrow.Schema { return b.schema }

// Append appends a value of column i in its binary form, nil for NULL. It
// keeps nothing of value. After an error the row must be rejected.
func (b *Builder) Append(i int, value []byte) error {
	if value == nil {
		b.fields[i].AppendNull()
		return nil
	}
	b.size += int64(len(value))
	before := b.fields[i].Len()
	if err := b.cells[i].binary(value); err != nil {
		b.fill(i, before)
		return fmt.Errorf("column %q: %w", b.names[i], err)
	}
	return nil
}

// AppendText appends a value of column i as the output function of its type
// writes it, nil for NULL. It keeps nothing of value. After an error the row
// must be rejected.
func (b *Builder) AppendText(i int, value []byte) error {
	if value == nil {
		b.fields[i].AppendNull()
		return nil
	}
	b.size += int64(len(value))
	before := b.fields[i].Len()
	if err := b.cells[i].text(value); err != nil {
		b.fill(i, before)
		return fmt.Errorf("column %q: %w", b.names[i], err)
	}
	return nil
}

// fill leaves a null where a refused value left nothing.
func (b *Builder) fill(i, before int) {
	if b.fields[i].Len() == before {
		b.fields[i].AppendNull()
	}
}

// Reject takes back the row that was begun last, whole or not: Record leaves
// it out.
func (b *Builder) Reject() {
	rows := 0
	for _, f := range b.fields {
		rows = max(rows, f.Len())
	}
	for _, f := range b.fields {
		if f.Len() < rows {
			f.AppendNull()
		}
	}
	if n := len(b.rejected); rows > 0 && (n == 0 || b.rejected[n-1] != rows-1) {
		b.rejected = append(b.rejected, rows-1)
	}
}

// Len returns the number of rows that Record would return, after a whole row.
func (b *Builder) Len() int {
	if len(b.fields) == 0 {
		return 0
	}
	return b.fields[0].Len() - len(b.rejected)
}

// Size returns the bytes of the values that were appended since the last
// Record.
func (b *Builder) Size() int64 { return b.size }

// Record returns the rows that were appended since the last call, which the
// caller releases.
func (b *Builder) Record() arrow.RecordBatch {
	rec := b.build.NewRecordBatch()
	b.size = 0
	b.reserve(rec)
	if len(b.rejected) == 0 {
		return rec
	}
	defer rec.Release()
	out := without(rec, b.rejected)
	b.rejected = b.rejected[:0]
	return out
}

// reserve makes room for as much as rec holds: batches are much alike, and
// room that grows bit by bit is copied each time.
func (b *Builder) reserve(rec arrow.RecordBatch) {
	if rec.NumRows() < 1000 {
		return
	}
	b.build.Reserve(int(rec.NumRows()))
	for i, f := range b.fields {
		a := rec.Column(i)
		if ext, ok := f.(*array.ExtensionBuilder); ok {
			f, a = ext.StorageBuilder(), a.(array.ExtensionArray).Storage()
		}
		switch f := f.(type) {
		case *array.StringBuilder:
			f.ReserveData(len(a.(*array.String).ValueBytes()))
		case *array.BinaryBuilder:
			f.ReserveData(len(a.(*array.Binary).ValueBytes()))
		}
	}
}

// without copies rec less the given rows, which are in order.
func without(rec arrow.RecordBatch, rows []int) arrow.RecordBatch {
	columns := make([]arrow.Array, rec.NumCols())
	kept := rec.NumRows() - int64(len(rows))
	for i := range columns {
		columns[i] = cut(rec.Column(i), rows)
	}
	out := array.NewRecordBatch(rec.Schema(), columns, kept)
	for _, c := range columns {
		c.Release()
	}
	return out
}

func cut(a arrow.Array, rows []int) arrow.Array {
	var parts []arrow.Array
	from := int64(0)
	for _, r := range append(rows, a.Len()) {
		if int64(r) > from || len(parts) == 0 {
			parts = append(parts, array.NewSlice(a, from, int64(r)))
		}
		from = int64(r) + 1
	}
	defer func() {
		for _, p := range parts {
			p.Release()
		}
	}()
	whole, err := array.Concatenate(parts, memory.DefaultAllocator)
	if err != nil {
		panic("column: concatenate slices of one array: " + err.Error()) // cannot be: they have one type
	}
	return whole
}

// Release frees what was appended and not asked for.
func (b *Builder) Release() { b.build.Release() }

// maxBytes bounds the values of one text or binary column: Arrow's offsets
// have 31 bits.
const maxBytes = math.MaxInt32 - 1<<16

var (
	errLength = errors.New("the value has a wrong length")
	errSyntax = errors.New("the text is not of the type")
	errUTF8   = errors.New("the text is not UTF-8: the database's encoding is SQL_ASCII, and this value is none")
	errFull   = errors.New("the values of one batch are over 2 GiB")
)
