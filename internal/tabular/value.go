package tabular

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"math"
	"strconv"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
)

// text returns the value at i as people read it; a null is "".
func text(a arrow.Array, i int) string {
	if a.IsNull(i) {
		return ""
	}
	switch v := a.(type) {
	case *array.String:
		return v.Value(i)
	case *array.Binary:
		return `\x` + hex.EncodeToString(v.Value(i))
	case *array.Timestamp:
		return timestamp(v, i)
	case *array.Float64:
		return float(v.Value(i), 64)
	case *array.Float32:
		return float(float64(v.Value(i)), 32)
	case *array.List, *array.LargeList, *array.FixedSizeList, *array.Map, *array.Struct:
		return string(appendJSON(nil, a, i))
	}
	return a.ValueStr(i)
}

// appendJSON appends the value at i. Numbers are exact; what JSON has no
// number for (NaN, infinities) is a string.
func appendJSON(dst []byte, a arrow.Array, i int) []byte {
	if a.IsNull(i) {
		return append(dst, "null"...)
	}
	switch v := a.(type) {
	case *array.Boolean:
		return strconv.AppendBool(dst, v.Value(i))
	case *array.Float64, *array.Float32:
		s := text(a, i)
		if s == "NaN" || s == "Infinity" || s == "-Infinity" {
			return appendString(dst, s)
		}
		return append(dst, s...)
	case *array.List:
		from, to := v.ValueOffsets(i)
		return appendList(dst, v.ListValues(), int(from), int(to))
	case *array.LargeList:
		from, to := v.ValueOffsets(i)
		return appendList(dst, v.ListValues(), int(from), int(to))
	case *array.FixedSizeList:
		from, to := v.ValueOffsets(i)
		return appendList(dst, v.ListValues(), int(from), int(to))
	case *array.Map:
		return appendMap(dst, v, i)
	case *array.Struct:
		return appendStruct(dst, v, i)
	case array.ExtensionArray:
		if v.ExtensionType().ExtensionName() == "arrow.json" {
			return appendRaw(dst, v.Storage(), i)
		}
	}
	if arrow.IsInteger(a.DataType().ID()) || arrow.IsDecimal(a.DataType().ID()) {
		return append(dst, a.ValueStr(i)...)
	}
	return appendString(dst, text(a, i))
}

func appendList(dst []byte, values arrow.Array, from, to int) []byte {
	dst = append(dst, '[')
	for j := from; j < to; j++ {
		if j > from {
			dst = append(dst, ',')
		}
		dst = appendJSON(dst, values, j)
	}
	return append(dst, ']')
}

func appendMap(dst []byte, m *array.Map, i int) []byte {
	from, to := m.ValueOffsets(i)
	dst = append(dst, '{')
	for j := int(from); j < int(to); j++ {
		if j > int(from) {
			dst = append(dst, ',')
		}
		dst = append(appendString(dst, text(m.Keys(), j)), ':')
		dst = appendJSON(dst, m.Items(), j)
	}
	return append(dst, '}')
}

func appendStruct(dst []byte, s *array.Struct, i int) []byte {
	fields := s.DataType().(*arrow.StructType).Fields()
	dst = append(dst, '{')
	for j, f := range fields {
		if j > 0 {
			dst = append(dst, ',')
		}
		dst = append(appendString(dst, f.Name), ':')
		dst = appendJSON(dst, s.Field(j), i)
	}
	return append(dst, '}')
}

// appendRaw appends JSON text as it is, on one line; text that is not JSON
// becomes a string.
func appendRaw(dst []byte, storage arrow.Array, i int) []byte {
	raw := text(storage, i)
	buf := bytes.NewBuffer(dst)
	if err := json.Compact(buf, []byte(raw)); err != nil {
		return appendString(dst, raw)
	}
	return buf.Bytes()
}

func appendString(dst []byte, s string) []byte {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil { // cannot be: a string always encodes
		return strconv.AppendQuote(dst, s)
	}
	return append(dst, bytes.TrimSuffix(buf.Bytes(), []byte("\n"))...)
}

func timestamp(a *array.Timestamp, i int) string {
	typ := a.DataType().(*arrow.TimestampType)
	t := a.Value(i).ToTime(typ.Unit)
	if typ.TimeZone == "" {
		return t.Format("2006-01-02T15:04:05.999999999")
	}
	return t.Format(time.RFC3339Nano)
}

func float(f float64, bits int) string {
	switch {
	case math.IsNaN(f):
		return "NaN"
	case math.IsInf(f, 1):
		return "Infinity"
	case math.IsInf(f, -1):
		return "-Infinity"
	}
	format := byte('f')
	if abs := math.Abs(f); abs != 0 && (abs < 1e-6 || abs >= 1e21) {
		format = 'e'
	}
	return strconv.FormatFloat(f, format, -1, bits)
}
