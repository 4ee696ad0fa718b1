package column

import (
	"encoding/binary"
	"math"
	"strconv"
	"unicode/utf8"
	"unsafe"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/extensions"
)

// newCell returns what fills b, which was made for c's field.
func newCell(c Column, b array.Builder) cell {
	if ext, ok := b.(*extensions.UUIDBuilder); ok {
		return uuidCell{ext.StorageBuilder().(*array.FixedSizeBinaryBuilder)}
	}
	if ext, ok := b.(*array.ExtensionBuilder); ok {
		return newCell(c, ext.StorageBuilder())
	}
	switch c.kind {
	case boolean:
		return boolCell{b.(*array.BooleanBuilder)}
	case int2:
		return int2Cell{b.(*array.Int16Builder)}
	case int4:
		return int4Cell{b.(*array.Int32Builder)}
	case int8:
		return int8Cell{b.(*array.Int64Builder)}
	case oid:
		return oidCell{b.(*array.Int64Builder)}
	case float4:
		return float4Cell{b.(*array.Float32Builder)}
	case float8:
		return float8Cell{b.(*array.Float64Builder)}
	case decimal:
		return newDecimalCell(c, b.(*array.Decimal128Builder))
	case bytea:
		return &byteaCell{b: b.(*array.BinaryBuilder)}
	case date:
		return dateCell{b.(*array.Date32Builder)}
	case timestamp, timestamptz:
		return timestampCell{b.(*array.TimestampBuilder)}
	case timeOfDay:
		return timeCell{b.(*array.Time64Builder)}
	case interval:
		return intervalCell{b.(*array.MonthDayNanoIntervalBuilder)}
	case list:
		lb := b.(*array.ListBuilder)
		return &listCell{b: lb, items: lb.ValueBuilder(), item: newCell(*c.elem, lb.ValueBuilder())}
	case text, json, foreign:
		return textCell{b.(*array.StringBuilder)}
	}
	return &formedCell{textCell: textCell{b.(*array.StringBuilder)}, form: forms[c.kind]}
}

type boolCell struct{ b *array.BooleanBuilder }

func (c boolCell) binary(v []byte) error {
	if len(v) != 1 {
		return errLength
	}
	c.b.Append(v[0] != 0)
	return nil
}

func (c boolCell) text(v []byte) error {
	if len(v) != 1 || v[0] != 't' && v[0] != 'f' {
		return errSyntax
	}
	c.b.Append(v[0] == 't')
	return nil
}

type int2Cell struct{ b *array.Int16Builder }

func (c int2Cell) binary(v []byte) error {
	if len(v) != 2 {
		return errLength
	}
	c.b.Append(int16(binary.BigEndian.Uint16(v)))
	return nil
}

func (c int2Cell) text(v []byte) error {
	n, err := strconv.ParseInt(view(v), 10, 16)
	if err != nil {
		return errSyntax
	}
	c.b.Append(int16(n))
	return nil
}

type int4Cell struct{ b *array.Int32Builder }

func (c int4Cell) binary(v []byte) error {
	if len(v) != 4 {
		return errLength
	}
	c.b.Append(int32(binary.BigEndian.Uint32(v)))
	return nil
}

func (c int4Cell) text(v []byte) error {
	n, err := strconv.ParseInt(view(v), 10, 32)
	if err != nil {
		return errSyntax
	}
	c.b.Append(int32(n))
	return nil
}

type int8Cell struct{ b *array.Int64Builder }

func (c int8Cell) binary(v []byte) error {
	if len(v) != 8 {
		return errLength
	}
	c.b.Append(int64(binary.BigEndian.Uint64(v)))
	return nil
}

func (c int8Cell) text(v []byte) error {
	n, err := strconv.ParseInt(view(v), 10, 64)
	if err != nil {
		return errSyntax
	}
	c.b.Append(n)
	return nil
}

type oidCell struct{ b *array.Int64Builder }

func (c oidCell) binary(v []byte) error {
	if len(v) != 4 {
		return errLength
	}
	c.b.Append(int64(binary.BigEndian.Uint32(v)))
	return nil
}

func (c oidCell) text(v []byte) error {
	n, err := strconv.ParseUint(view(v), 10, 32)
	if err != nil {
		return errSyntax
	}
	c.b.Append(int64(n))
	return nil
}

type float4Cell struct{ b *array.Float32Builder }

func (c float4Cell) binary(v []byte) error {
	if len(v) != 4 {
		return errLength
	}
	c.b.Append(math.Float32frombits(binary.BigEndian.Uint32(v)))
	return nil
}

func (c float4Cell) text(v []byte) error {
	f, err := strconv.ParseFloat(view(v), 32)
	if err != nil {
		return errSyntax
	}
	c.b.Append(float32(f))
	return nil
}

type float8Cell struct{ b *array.Float64Builder }

func (c float8Cell) binary(v []byte) error {
	if len(v) != 8 {
		return errLength
	}
	c.b.Append(math.Float64frombits(binary.BigEndian.Uint64(v)))
	return nil
}

func (c float8Cell) text(v []byte) error {
	f, err := strconv.ParseFloat(view(v), 64)
	if err != nil {
		return errSyntax
	}
	c.b.Append(f)
	return nil
}

// textCell holds text as it comes, which both forms of these types are.
type textCell struct{ b *array.StringBuilder }

func (c textCell) binary(v []byte) error { return c.text(v) }

func (c textCell) text(v []byte) error {
	if !utf8.Valid(v) {
		return errUTF8
	}
	if c.b.DataLen() > maxBytes-len(v) {
		return errFull
	}
	c.b.BinaryBuilder.Append(v)
	return nil
}

// formedCell holds the text of types whose binary form is another.
type formedCell struct {
	textCell
	form    func(to, v []byte) ([]byte, error)
	scratch []byte
}

func (c *formedCell) binary(v []byte) error {
	var err error
	if c.scratch, err = c.form(c.scratch[:0], v); err != nil {
		return err
	}
	return c.text(c.scratch)
}

// forms write the text of a binary value as the server does.
var forms = map[kind]func(to, v []byte) ([]byte, error){
	numeric: numericText, char: charText, timetz: timetzText, jsonb: jsonbText, inet: inetText, macaddr: macaddrText, bitstring: bitsText,
}

// view returns the bytes as a string that is gone after the call it is for.
func view(v []byte) string { return unsafe.String(unsafe.SliceData(v), len(v)) }
