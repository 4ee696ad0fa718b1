package protobuf

import (
	"encoding/base64"
	"math"
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/tidemill/tidemill/internal/canon"
)

func (e *enum) append(dst []byte, n protoreflect.EnumNumber) []byte {
	if e.null && n == 0 {
		return append(dst, "null"...)
	}
	if name, ok := e.names[n]; ok {
		return canon.AppendString(dst, name)
	}
	return strconv.AppendInt(dst, int64(n), 10)
}

// appendFloat writes the shortest decimal that gives f at its width, and what
// is no number as JSON mapping spells it.
func appendFloat(dst []byte, f float64, bits int) []byte {
	switch {
	case f == 0:
		return append(dst, '0')
	case math.IsNaN(f):
		return append(dst, `"NaN"`...)
	case math.IsInf(f, 1):
		return append(dst, `"Infinity"`...)
	case math.IsInf(f, -1):
		return append(dst, `"-Infinity"`...)
	}
	return strconv.AppendFloat(dst, f, 'f', -1, bits)
}

func appendBase64(dst, b []byte) []byte {
	dst = append(dst, '"')
	dst = base64.StdEncoding.AppendEncode(dst, b)
	return append(dst, '"')
}

// packable reports whether several values of f may stand in one record.
func (f *field) packable() bool { return f.list && f.wire() != protowire.BytesType && f.message == nil }

// wire returns how one value of f stands on the wire.
func (f *field) wire() protowire.Type {
	switch f.kind {
	case protoreflect.Sfixed32Kind, protoreflect.Fixed32Kind, protoreflect.FloatKind:
		return protowire.Fixed32Type
	case protoreflect.Sfixed64Kind, protoreflect.Fixed64Kind, protoreflect.DoubleKind:
		return protowire.Fixed64Type
	case protoreflect.StringKind, protoreflect.BytesKind, protoreflect.MessageKind:
		return protowire.BytesType
	case protoreflect.GroupKind:
		return protowire.StartGroupType
	}
	return protowire.VarintType
}

// fits reports whether a record of a kind can be of f.
func (f *field) fits(kind protowire.Type) bool {
	return kind == f.wire() || kind == protowire.BytesType && f.packable()
}

// appendNumber writes the value of a field that is a number, a bool or an
// enum from its bits on the wire, and reports whether it is zero.
func (f *field) appendNumber(dst []byte, bits uint64) (text []byte, zero bool) {
	switch f.kind {
	case protoreflect.BoolKind:
		return strconv.AppendBool(dst, bits != 0), bits == 0
	case protoreflect.Int32Kind, protoreflect.Sfixed32Kind:
		return strconv.AppendInt(dst, int64(int32(bits)), 10), int32(bits) == 0
	case protoreflect.Sint32Kind:
		v := int32(protowire.DecodeZigZag(bits & math.MaxUint32))
		return strconv.AppendInt(dst, int64(v), 10), v == 0
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		return strconv.AppendUint(dst, uint64(uint32(bits)), 10), uint32(bits) == 0
	case protoreflect.Int64Kind, protoreflect.Sfixed64Kind:
		return append(strconv.AppendInt(append(dst, '"'), int64(bits), 10), '"'), bits == 0
	case protoreflect.Sint64Kind:
		return append(strconv.AppendInt(append(dst, '"'), protowire.DecodeZigZag(bits), 10), '"'), bits == 0
	case protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		return append(strconv.AppendUint(append(dst, '"'), bits, 10), '"'), bits == 0
	case protoreflect.FloatKind:
		x := float64(math.Float32frombits(uint32(bits)))
		return appendFloat(dst, x, 32), x == 0
	case protoreflect.DoubleKind:
		x := math.Float64frombits(bits)
		return appendFloat(dst, x, 64), x == 0
	}
	return f.enum.append(dst, protoreflect.EnumNumber(int32(bits))), int32(bits) == 0
}
