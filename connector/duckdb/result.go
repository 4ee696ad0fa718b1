package duckdb

import (
	"bytes"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/bitutil"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/tidemill/tidemill"
)

// result is a reader of a query's rows with the types of package tidemill:
// the engine marks UUID and JSON only by metadata, sends booleans as bytes,
// and 128-bit integers, which every sum is, as bytes too.
type result struct {
	array.RecordReader
	conn    *conn
	engine  *arrow.Schema
	schema  *arrow.Schema
	current arrow.RecordBatch
	refs    int
	err     error
}

func newResult(c *conn, r array.RecordReader) *result {
	fields := make([]arrow.Field, r.Schema().NumFields())
	for i, f := range r.Schema().Fields() {
		fields[i] = resultField(f)
	}
	return &result{RecordReader: r, conn: c, engine: r.Schema(), schema: arrow.NewSchema(fields, nil), refs: 1}
}

func (r *result) Schema() *arrow.Schema          { return r.schema }
func (r *result) RecordBatch() arrow.RecordBatch { return r.current }
func (r *result) Record() arrow.RecordBatch      { return r.current }

func (r *result) Err() error {
	if r.err != nil {
		return r.err
	}
	return r.RecordReader.Err()
}

func (r *result) Next() bool {
	r.conn.mu.Lock()
	defer r.conn.mu.Unlock()
	r.drop()
	if r.err != nil {
		return false
	}
	if r.conn.done {
		r.err = errBroken
		return false
	}
	if !r.RecordReader.Next() {
		return false
	}
	rec := r.RecordReader.RecordBatch()
	columns := make([]arrow.Array, rec.NumCols())
	for i, c := range rec.Columns() {
		data := convert(c.Data(), r.engine.Field(i), r.schema.Field(i).Type)
		columns[i] = array.MakeFromData(data)
		data.Release()
	}
	r.current = array.NewRecordBatch(r.schema, columns, rec.NumRows())
	for _, c := range columns {
		c.Release()
	}
	return true
}

// Release frees the rows with the last reference.
func (r *result) Release() {
	r.conn.mu.Lock()
	defer r.conn.mu.Unlock()
	if r.refs--; r.refs > 0 {
		return
	}
	r.drop()
	r.RecordReader.Release()
}

func (r *result) Retain() {
	r.conn.mu.Lock()
	defer r.conn.mu.Unlock()
	r.refs++
}

func (r *result) drop() {
	if r.current != nil {
		r.current.Release()
		r.current = nil
	}
}

// resultField returns the field as which an engine's field is shown.
func resultField(f arrow.Field) arrow.Field {
	kind := resultType(f)
	if kind == f.Type {
		return f
	}
	return arrow.Field{Name: f.Name, Type: kind, Nullable: f.Nullable}
}

func resultType(f arrow.Field) arrow.DataType {
	name, _ := f.Metadata.GetValue("ARROW:extension:name")
	switch name {
	case "arrow.uuid":
		return tidemill.UUID()
	case "arrow.json":
		return tidemill.JSON()
	case "arrow.bool8":
		return arrow.FixedWidthTypes.Boolean
	case "arrow.opaque":
		if meta, _ := f.Metadata.GetValue("ARROW:extension:metadata"); strings.Contains(meta, `"hugeint"`) {
			return &arrow.Decimal128Type{Precision: 38, Scale: 0}
		}
	}
	switch t := f.Type.(type) {
	case *arrow.MapType:
		key, item := resultField(t.KeyField()), resultField(t.ItemField())
		if key.Type != t.KeyType() || item.Type != t.ItemType() {
			return arrow.MapOfFields(key, item)
		}
	case *arrow.ListType:
		if e := resultField(t.ElemField()); e.Type != t.Elem() {
			return arrow.ListOfField(e)
		}
	case *arrow.FixedSizeListType:
		if e := resultField(t.ElemField()); e.Type != t.Elem() {
			return arrow.FixedSizeListOfField(t.Len(), e)
		}
	case *arrow.StructType:
		fields, changed := make([]arrow.Field, t.NumFields()), false
		for i, in := range t.Fields() {
			fields[i] = resultField(in)
			changed = changed || fields[i].Type != in.Type
		}
		if changed {
			return arrow.StructOf(fields...)
		}
	}
	return f.Type
}

// convert returns data, which the engine sent as field f, as type to and in
// memory of Go. The engine's own goes with the record, and would take with it
// the strings that a caller has kept. The caller releases what it gets.
func convert(data arrow.ArrayData, f arrow.Field, to arrow.DataType) arrow.ArrayData {
	if to.ID() == arrow.BOOL && f.Type.ID() != arrow.BOOL {
		return convertBool(data)
	}
	children := make([]arrow.ArrayData, len(data.Children()))
	for i, c := range data.Children() {
		from, into := childTypes(f.Type, to, i, c.DataType())
		children[i] = convert(c, from, into)
		defer children[i].Release()
	}
	if data.DataType().ID() == arrow.DICTIONARY {
		d := data.Dictionary()
		words := convert(d, arrow.Field{Type: d.DataType()}, d.DataType())
		defer words.Release()
		return array.NewDataWithDictionary(to, data.Len(), copied(data.Buffers()), data.NullN(), data.Offset(), words.(*array.Data))
	}
	return array.NewData(to, data.Len(), copied(data.Buffers()), children, data.NullN(), data.Offset())
}

// childTypes returns what child i is and becomes. A map has one child of two
// fields, which its type tells as such.
func childTypes(f, to arrow.DataType, i int, child arrow.DataType) (arrow.Field, arrow.DataType) {
	from, ok := f.(arrow.NestedType)
	into, ok2 := to.(arrow.NestedType)
	if !ok || !ok2 || i >= len(from.Fields()) || i >= len(into.Fields()) {
		return arrow.Field{Type: child}, child
	}
	return from.Fields()[i], into.Fields()[i].Type
}

func copied(buffers []*memory.Buffer) []*memory.Buffer {
	out := make([]*memory.Buffer, len(buffers))
	for i, b := range buffers {
		if b != nil {
			out[i] = memory.NewBufferBytes(bytes.Clone(b.Bytes()))
		}
	}
	return out
}

// convertBool packs the bytes of data into bits.
func convertBool(data arrow.ArrayData) arrow.ArrayData {
	values := arrow.Int8Traits.CastFromBytes(data.Buffers()[1].Bytes())
	size := data.Offset() + data.Len()
	bits := memory.NewBufferBytes(make([]byte, bitutil.BytesForBits(int64(size))))
	for i := data.Offset(); i < size; i++ {
		bitutil.SetBitTo(bits.Bytes(), i, values[i] != 0)
	}
	return array.NewData(arrow.FixedWidthTypes.Boolean, data.Len(), []*memory.Buffer{copied(data.Buffers()[:1])[0], bits}, nil, data.NullN(), data.Offset())
}
