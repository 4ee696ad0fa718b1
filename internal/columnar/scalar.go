package columnar

import (
	"bytes"
	"encoding/base64"
	"math/big"
	"strconv"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"

	"github.com/tidemill/tidemill/internal/canon"
)

// scalar is a column of single values. Parsing happens in check, which leaves
// the parsed value for nobody: append parses again, because a row is written
// only after all of it was checked.
type scalar struct {
	build    array.Builder
	implicit bool
	parse    func(v canon.Value, put bool) bool // whether the column holds v; with put it also appends
	zero     func()
	lost     func(v canon.Value) bool // whether a part of v is lost; nil means never
}

func (c *scalar) check(at *check, v canon.Value) bool {
	if !c.parse(v, false) {
		return at.fail(c.build.Type(), v)
	}
	at.rest = at.rest || c.lost != nil && c.lost(v)
	return true
}

func (c *scalar) append(v canon.Value) { c.parse(v, true) }

func (c *scalar) missing() {
	if c.implicit {
		c.zero()
	} else {
		c.build.AppendNull()
	}
}

func (c *scalar) rest(dst []byte, v canon.Value) ([]byte, bool) {
	if c.lost == nil || !c.lost(v) {
		return dst, false
	}
	dst, _ = v.Append(dst)
	return dst, true
}

// newScalar returns the cell of a type without parts, nil if payloads have no
// such values.
func newScalar(t arrow.DataType, b array.Builder, form string) *scalar {
	c := &scalar{build: b, zero: b.AppendEmptyValue}
	text := form == FormText
	switch b := b.(type) {
	case *array.BooleanBuilder:
		c.parse = func(v canon.Value, put bool) bool {
			ok := v.Kind() == canon.True || v.Kind() == canon.False
			if ok && put {
				b.Append(v.Kind() == canon.True)
			}
			return ok
		}
	case *array.StringBuilder:
		c.parse = stringParser(b, form == FormEnum)
	case *array.BinaryBuilder:
		c.parse = binaryParser(b)
	case *array.TimestampBuilder:
		c.parse, c.lost = timestampParser(b, t.(*arrow.TimestampType))
	case *array.Decimal128Builder:
		c.parse = decimalParser(b, t.(*arrow.Decimal128Type))
	case *array.Float64Builder:
		c.parse = floatParser(b.Append, 64, text)
	case *array.Float32Builder:
		c.parse = floatParser(func(f float64) { b.Append(float32(f)) }, 32, text)
	case *array.Int64Builder:
		c.parse = intParser(b.Append, 64, text)
	case *array.Int32Builder:
		c.parse = intParser(func(i int64) { b.Append(int32(i)) }, 32, text)
	case *array.Int16Builder:
		c.parse = intParser(func(i int64) { b.Append(int16(i)) }, 16, text)
	case *array.Int8Builder:
		c.parse = intParser(func(i int64) { b.Append(int8(i)) }, 8, text)
	case *array.Uint64Builder:
		c.parse = uintParser(b.Append, 64, text)
	case *array.Uint32Builder:
		c.parse = uintParser(func(u uint64) { b.Append(uint32(u)) }, 32, text)
	case *array.Uint16Builder:
		c.parse = uintParser(func(u uint64) { b.Append(uint16(u)) }, 16, text)
	case *array.Uint8Builder:
		c.parse = uintParser(func(u uint64) { b.Append(uint8(u)) }, 8, text)
	default:
		return nil
	}
	return c
}

type parser = func(v canon.Value, put bool) bool

// numeric reports whether v writes a number in the form of the column. The
// name of a map's member is a string whatever the type of the key.
func numeric(v canon.Value, text bool) bool {
	return v.Kind() == canon.Number || text && v.Kind() == canon.String
}

func intParser(put func(int64), bits int, text bool) parser {
	return func(v canon.Value, do bool) bool {
		if !numeric(v, text) {
			return false
		}
		i, err := strconv.ParseInt(string(v.Bytes()), 10, bits)
		if err == nil && do {
			put(i)
		}
		return err == nil
	}
}

func uintParser(put func(uint64), bits int, text bool) parser {
	return func(v canon.Value, do bool) bool {
		if !numeric(v, text) {
			return false
		}
		u, err := strconv.ParseUint(string(v.Bytes()), 10, bits)
		if err == nil && do {
			put(u)
		}
		return err == nil
	}
}

func floatParser(put func(float64), bits int, text bool) parser {
	return func(v canon.Value, do bool) bool {
		f, ok := 0.0, false
		switch {
		case v.Kind() == canon.Number:
			f, ok = exactFloat(v.Bytes(), bits)
		case text && v.Kind() == canon.String:
			switch string(v.Bytes()) {
			case "NaN", "Infinity", "-Infinity":
				var err error
				f, err = strconv.ParseFloat(string(v.Bytes()), bits)
				ok = err == nil
			}
		}
		if ok && do {
			put(f)
		}
		return ok
	}
}

func stringParser(b *array.StringBuilder, enum bool) parser {
	return func(v canon.Value, put bool) bool {
		ok := v.Kind() == canon.String || enum && v.Kind() == canon.Number
		if ok && put {
			b.BinaryBuilder.Append(v.Bytes())
		}
		return ok
	}
}

func binaryParser(b *array.BinaryBuilder) parser {
	var scratch []byte
	return func(v canon.Value, put bool) bool {
		if v.Kind() != canon.String {
			return false
		}
		var err error
		scratch, err = base64.StdEncoding.AppendDecode(scratch[:0], v.Bytes())
		if err == nil && put {
			b.Append(scratch)
		}
		return err == nil
	}
}

// timestampParser reads RFC 3339. Digits that the unit cannot hold are lost
// to the column and kept in UnknownColumn.
func timestampParser(b *array.TimestampBuilder, t *arrow.TimestampType) (parser, func(canon.Value) bool) {
	read := func(v canon.Value) (ts arrow.Timestamp, exact, ok bool) {
		if v.Kind() != canon.String {
			return 0, false, false
		}
		at, err := time.Parse(time.RFC3339Nano, string(v.Bytes()))
		if err != nil {
			return 0, false, false
		}
		step := int64(t.Unit.Multiplier())
		nanos := int64(at.Nanosecond())
		ts = arrow.Timestamp(at.Unix()*(1e9/step) + nanos/step)
		return ts, nanos%step == 0, true
	}
	parse := func(v canon.Value, put bool) bool {
		ts, _, ok := read(v)
		if ok && put {
			b.Append(ts)
		}
		return ok
	}
	return parse, func(v canon.Value) bool {
		_, exact, _ := read(v)
		return !exact
	}
}

func decimalParser(b *array.Decimal128Builder, t *arrow.Decimal128Type) parser {
	return func(v canon.Value, put bool) bool {
		if v.Kind() != canon.Number {
			return false
		}
		text := v.Bytes()
		whole, frac, _ := bytes.Cut(text, []byte{'.'})
		whole = bytes.TrimPrefix(whole, []byte{'-'})
		if len(frac) > int(t.Scale) || len(whole) > int(t.Precision-t.Scale) && !bytes.Equal(whole, []byte{'0'}) {
			return false
		}
		if put {
			digits := append(append(bytes.Clone(whole), frac...), bytes.Repeat([]byte{'0'}, int(t.Scale)-len(frac))...)
			n, _ := new(big.Int).SetString(string(digits), 10)
			if text[0] == '-' {
				n.Neg(n)
			}
			b.Append(decimal128.FromBigInt(n))
		}
		return true
	}
}
