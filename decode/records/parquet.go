package records

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"

	"github.com/tidemill/tidemill"
)

// parquetBuffer is how much of a column chunk is fetched at a time.
const parquetBuffer = 512 << 10

// parquetReader reads a Parquet file, row group by row group.
type parquetReader struct {
	in    *readerAt
	opts  Options
	file  *file.Reader
	arrow *pqarrow.FileReader
	group int // of the file
	recs  pqarrow.RecordReader
	row   int64
	skip  int64 // rows that are still to be passed over
	ended bool
	names []string
	added []Column
}

func newParquet(in Input, opts Options) *parquetReader {
	return &parquetReader{in: &readerAt{at: in.At, size: in.Size}, opts: opts, skip: opts.Skip}
}

// Close implements Reader.
func (p *parquetReader) Close() {
	if p.recs != nil {
		p.recs.Release()
		p.recs = nil
	}
}

// Read implements Reader.
func (p *parquetReader) Read() (Rows, error) {
	if p.ended {
		return Rows{Next: p.row}, io.EOF
	}
	rec, err := p.next()
	if p.in.err != nil {
		return Rows{}, p.in.err
	}
	if errors.Is(err, io.EOF) {
		p.ended = true
		return Rows{Next: p.row}, io.EOF
	}
	if err != nil {
		return p.broken(err)
	}
	p.row += rec.NumRows()
	return Rows{Records: withColumns(rec, p.added), Next: p.row}, nil
}

// broken makes what is left of the file one bad row, with the end of the
// file's bytes, where Parquet says what is in it.
func (p *parquetReader) broken(cause error) (Rows, error) {
	p.ended = true
	row := p.row
	if p.row++; row < p.opts.Skip {
		return Rows{Next: p.row}, io.EOF // it was handed over before
	}
	size := min(p.in.size, int64(p.opts.MaxRow), 64<<10)
	b := Bad{
		Row: row, Offset: -1, Code: tidemill.Malformed, Reason: fmt.Sprintf("parquet: %v; the last %d bytes of the file are kept here", cause, size),
		Bytes: make([]byte, size), Size: p.in.size,
	}
	if _, err := p.in.ReadAt(b.Bytes, p.in.size-size); p.in.err != nil {
		return Rows{}, err
	}
	return Rows{Bad: []Bad{b}, Next: p.row}, nil
}

// next returns the next records that are not passed over.
func (p *parquetReader) next() (rec arrow.RecordBatch, err error) {
	defer func() {
		if r := recover(); r != nil {
			rec, err = nil, fmt.Errorf("%v", r)
		}
	}()
	if p.file == nil {
		if err := p.open(); err != nil {
			return nil, err
		}
	}
	for {
		if p.recs == nil {
			if err := p.nextGroup(); err != nil {
				return nil, err
			}
		}
		if !p.recs.Next() {
			if err := p.recs.Err(); err != nil && !errors.Is(err, io.EOF) {
				return nil, err
			}
			p.recs.Release()
			p.recs = nil
			continue
		}
		rec := p.recs.RecordBatch()
		from := min(p.skip, rec.NumRows())
		p.skip -= from
		p.row += from
		if from == rec.NumRows() {
			continue
		}
		return p.renamed(rec.NewSlice(from, rec.NumRows())), nil
	}
}

func (p *parquetReader) open() error {
	props := parquet.NewReaderProperties(memory.DefaultAllocator)
	props.BufferedStreamEnabled = true
	props.BufferSize = parquetBuffer
	props.MaxUncompressedPageSize = maxPage
	f, err := file.NewParquetReader(io.NewSectionReader(p.in, 0, p.in.size), file.WithReadProps(props))
	if err != nil {
		return err
	}
	p.arrow, err = pqarrow.NewFileReader(f, pqarrow.ArrowReadProperties{BatchSize: int64(p.opts.Rows)}, memory.DefaultAllocator)
	if err != nil {
		return err
	}
	schema, err := p.arrow.Schema()
	if err != nil {
		return err
	}
	unique := newNames()
	fields := make([]arrow.Field, schema.NumFields())
	for i, f := range schema.Fields() {
		f.Name = unique.column(f.Name, i)
		fields[i] = f
		p.names = append(p.names, f.Name)
	}
	p.added = missing(p.opts.Columns, arrow.NewSchema(fields, nil))
	p.file = f
	return nil
}

// maxPage bounds what one page of a file can make us hold.
const maxPage = 64 << 20

// nextGroup begins with the next row group that is not passed over whole.
func (p *parquetReader) nextGroup() error {
	for ; p.group < p.file.NumRowGroups(); p.group++ {
		n := p.file.MetaData().RowGroup(p.group).NumRows()
		if n < 0 {
			return fmt.Errorf("row group %d has %d rows", p.group, n)
		}
		if n > p.skip {
			recs, err := p.arrow.GetRecordReader(context.Background(), nil, []int{p.group})
			if err != nil {
				return err
			}
			p.recs = recs
			p.group++
			return nil
		}
		p.skip -= n
		p.row += n
	}
	return io.EOF
}

// renamed gives the columns names that a table takes, and releases rec.
func (p *parquetReader) renamed(rec arrow.RecordBatch) arrow.RecordBatch {
	defer rec.Release()
	fields := append([]arrow.Field(nil), rec.Schema().Fields()...)
	for i := range fields {
		fields[i].Name = p.names[i]
		fields[i].Metadata = arrow.Metadata{}
	}
	return array.NewRecordBatch(arrow.NewSchema(fields, nil), rec.Columns(), rec.NumRows())
}

// readerAt remembers the first error of an input, so that it is told from
// those of the file's content.
type readerAt struct {
	at   io.ReaderAt
	size int64
	err  error
}

func (r *readerAt) ReadAt(p []byte, off int64) (int, error) {
	if r.err != nil {
		return 0, r.err
	}
	n, err := r.at.ReadAt(p, off)
	if err != nil && !errors.Is(err, io.EOF) {
		r.err = err
	}
	return n, err
}
