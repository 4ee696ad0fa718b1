package records

import (
	"encoding/base64"
	"encoding/binary"
	"math"
	"strconv"

	"github.com/tidemill/tidemill/internal/canon"
)

// appendJSON writes a value, which skip has passed over, as JSON. Bytes are
// written in base64, numbers that JSON has no word for as text.
func (n *avroNode) appendJSON(dst []byte, r *avroBytes) []byte {
	if n.nullable {
		if null, _ := n.isNull(r); null {
			return append(dst, "null"...)
		}
	}
	switch n.kind {
	case "null":
		return append(dst, "null"...)
	case "boolean":
		v, _ := r.take(1)
		return strconv.AppendBool(dst, v[0] == 1)
	case "int", "long":
		v, _ := r.long()
		return strconv.AppendInt(dst, v, 10)
	case "float":
		v, _ := r.take(4)
		return appendFloat(dst, float64(math.Float32frombits(binary.LittleEndian.Uint32(v))), 32)
	case "double":
		v, _ := r.take(8)
		return appendFloat(dst, math.Float64frombits(binary.LittleEndian.Uint64(v)), 64)
	case "bytes", "fixed":
		return canon.AppendString(dst, base64.StdEncoding.EncodeToString(n.raw(r)))
	case "string":
		v, _ := r.counted()
		return canon.AppendString(dst, v)
	case "enum":
		i, _ := r.long()
		return canon.AppendString(dst, n.symbols[i])
	case "union":
		i, _ := r.long()
		return n.branches[i].appendJSON(dst, r)
	case "json":
		return n.target.appendJSON(dst, r)
	}
	return n.appendJSONComplex(dst, r)
}

func (n *avroNode) appendJSONComplex(dst []byte, r *avroBytes) []byte {
	open, shut := byte('{'), byte('}')
	if n.kind == "array" {
		open, shut = '[', ']'
	}
	dst = append(dst, open)
	first := true
	comma := func() {
		if !first {
			dst = append(dst, ',')
		}
		first = false
	}
	if n.kind == "record" {
		for _, f := range n.fields {
			comma()
			dst = append(canon.AppendString(dst, f.name), ':')
			dst = f.appendJSON(dst, r)
		}
		return append(dst, shut)
	}
	_ = r.items(func() error {
		comma()
		if n.kind == "map" {
			key, _ := r.counted()
			dst = append(canon.AppendString(dst, key), ':')
		}
		dst = n.items.appendJSON(dst, r)
		return nil
	})
	return append(dst, shut)
}

func appendFloat(dst []byte, v float64, bits int) []byte {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return canon.AppendString(dst, strconv.FormatFloat(v, 'g', -1, bits))
	}
	return strconv.AppendFloat(dst, v, 'g', -1, bits)
}
