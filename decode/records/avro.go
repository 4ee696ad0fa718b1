package records

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/tidemill/tidemill"
)

const (
	// maxBlock bounds a block of an Avro file, packed or unpacked. Writers
	// make them some tens of KiB.
	maxBlock = 64 << 20

	// maxHeader bounds the schema and the other metadata of an Avro file.
	maxHeader = 4 << 20

	// emptyRows is how many rows a block may have beyond its bytes: rows
	// without a byte are possible, but nobody writes many.
	emptyRows = 1 << 16
)

// avroReader reads an Avro object container file, block by block.
type avroReader struct {
	in     *input
	r      *bufio.Reader
	offset int64
	opts   Options

	codec string
	sync  [16]byte
	root  *avroNode
	build *array.RecordBuilder
	added []Column

	block []byte // what is left of the present one, unpacked
	left  int64  // rows of block
	row   int64
	begun bool
	ended bool
}

func newAvro(in Input, opts Options) *avroReader {
	i := &input{r: in.Stream(0)}
	return &avroReader{in: i, r: bufio.NewReaderSize(i, 256<<10), opts: opts}
}

// Close implements Reader.
func (a *avroReader) Close() {
	if a.build != nil {
		a.build.Release()
		a.build = nil
	}
}

// Read implements Reader.
func (a *avroReader) Read() (Rows, error) {
	var out Rows
	if !a.begun {
		a.begun = true
		if err := a.header(); err != nil {
			if err := a.lose(&out, err); err != nil {
				return Rows{}, err
			}
		}
	}
	good := 0
	for size := 0; !a.ended && size < readBytes && good+len(out.Bad) < a.opts.Rows; {
		if a.left == 0 {
			if err := a.next(); errors.Is(err, io.EOF) {
				a.ended = true
				break
			} else if err != nil {
				if err := a.lose(&out, err); err != nil {
					return Rows{}, err
				}
				break
			}
		}
		n, ok := a.record(&out)
		size += n
		if ok {
			good++
		}
	}
	out.Next = a.row
	if good > 0 {
		out.Records = withColumns(a.build.NewRecordBatch(), a.added)
	}
	if good+len(out.Bad) == 0 {
		return out, io.EOF
	}
	return out, nil
}

// record reads one record of the block. A block that makes no sense is left:
// the next one stands on its own.
func (a *avroReader) record(out *Rows) (size int, ok bool) {
	check := avroBytes{b: a.block, budget: a.opts.MaxRow}
	if err := a.root.skip(&check, 0); err != nil {
		b := Bad{
			Row: a.row, Offset: -1, Code: tidemill.Malformed, Bytes: keep(a.block, a.opts.MaxRow), Size: int64(len(a.block)),
			Reason: fmt.Sprintf("avro: %v; with it %d rows of its block are lost", err, a.left),
		}
		a.row += a.left
		a.left, a.block = 0, nil
		if a.row > a.opts.Skip {
			out.Bad = append(out.Bad, b)
		}
		return len(b.Bytes), false
	}
	size = len(a.block) - len(check.b)
	row := a.row
	a.row++
	a.left--
	if row >= a.opts.Skip {
		from := avroBytes{b: a.block, budget: a.opts.MaxRow}
		for i, f := range a.root.fields {
			f.append(&from, a.build.Field(i))
		}
		ok = true
	}
	a.block = check.b
	if a.left == 0 && len(a.block) > 0 {
		a.block = nil // a writer's slack, which no record claims
	}
	if !ok {
		return 0, false
	}
	return size + 1, true
}

// lose makes what is left of the file one bad row.
func (a *avroReader) lose(out *Rows, cause error) error {
	a.ended = true
	if a.in.err != nil {
		return errors.Unwrap(a.in.err)
	}
	b := Bad{Row: a.row, Offset: a.offset, Code: tidemill.Malformed, Reason: "avro: " + cause.Error()}
	a.row++
	b.Bytes, _ = io.ReadAll(io.LimitReader(a.r, int64(a.opts.MaxRow)))
	rest, _ := io.Copy(io.Discard, a.r)
	b.Size = int64(len(b.Bytes)) + rest
	if a.in.err != nil {
		return errors.Unwrap(a.in.err)
	}
	if a.row > a.opts.Skip {
		out.Bad = append(out.Bad, b)
	}
	return nil
}

var avroMagic = []byte("Obj\x01")

// header reads what stands before the first block.
func (a *avroReader) header() error {
	magic, err := a.r.Peek(4)
	if len(magic) == 0 && errors.Is(err, io.EOF) {
		a.ended = true
		return nil // an empty file
	}
	if !bytes.Equal(magic, avroMagic) {
		return errors.New("the file does not begin as an object container file does")
	}
	_, _ = a.r.Discard(4)
	meta, err := a.metadata()
	if err != nil {
		return fmt.Errorf("header: %w", err)
	}
	if _, err := io.ReadFull(a.r, a.sync[:]); err != nil {
		return fmt.Errorf("header: %w", err)
	}
	a.codec = string(meta["avro.codec"])
	if !avroCodecs[a.codec] {
		return fmt.Errorf("codec %q is not known; there are null, deflate, snappy and zstandard", a.codec)
	}
	if a.root, err = parseAvroSchema(meta["avro.schema"]); err != nil {
		return fmt.Errorf("schema: %w", err)
	}
	unique := newNames()
	fields := make([]arrow.Field, len(a.root.fields))
	for i, f := range a.root.fields {
		fields[i] = arrow.Field{Name: unique.column(f.name, i), Type: f.arrow(), Nullable: true}
	}
	schema := arrow.NewSchema(fields, nil)
	a.added = missing(a.opts.Columns, schema)
	a.build = array.NewRecordBuilder(memory.DefaultAllocator, schema)
	return nil
}

func (a *avroReader) metadata() (map[string][]byte, error) {
	meta, size := map[string][]byte{}, int64(0)
	for {
		n, err := binary.ReadVarint(a.r)
		if err != nil {
			return nil, unexpected(err)
		}
		if n == 0 {
			return meta, nil
		}
		if n < 0 {
			if _, err := binary.ReadVarint(a.r); err != nil {
				return nil, unexpected(err)
			}
			n = -n
		}
		for ; n > 0; n-- {
			key, err := a.counted(maxHeader - size)
			if err != nil {
				return nil, err
			}
			value, err := a.counted(maxHeader - size)
			if err != nil {
				return nil, err
			}
			meta[string(key)] = value
			if size += int64(len(key)+len(value)) + 2; size > maxHeader {
				return nil, errors.New("it is too large")
			}
		}
	}
}

// counted reads bytes with their number before them.
func (a *avroReader) counted(most int64) ([]byte, error) {
	n, err := binary.ReadVarint(a.r)
	if err != nil {
		return nil, unexpected(err)
	}
	if n < 0 || n > most {
		return nil, fmt.Errorf("%d bytes are too many", n)
	}
	var b bytes.Buffer
	if _, err := io.CopyN(&b, a.r, n); err != nil {
		return nil, unexpected(err)
	}
	return b.Bytes(), nil
}

// next reads the next block that holds rows.
func (a *avroReader) next() error {
	for a.left == 0 {
		if _, err := a.r.Peek(1); err != nil {
			if a.in.err != nil {
				return a.in.err
			}
			return io.EOF
		}
		rows, err := binary.ReadVarint(a.r)
		if err != nil {
			return fmt.Errorf("block: %w", unexpected(err))
		}
		packed, err := a.counted(maxBlock)
		if err != nil {
			return fmt.Errorf("block: %w", err)
		}
		var sync [16]byte
		if _, err := io.ReadFull(a.r, sync[:]); err != nil {
			return fmt.Errorf("block: %w", unexpected(err))
		}
		if sync != a.sync {
			return errors.New("block: it does not end with the mark of the file")
		}
		block, err := unpack(a.codec, packed)
		if err != nil {
			return fmt.Errorf("block: %s: %w", a.codec, err)
		}
		if rows < 0 || rows > int64(len(block))+emptyRows {
			return fmt.Errorf("block: %d rows in %d bytes", rows, len(block))
		}
		a.block, a.left = block, rows
	}
	return nil
}

func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
