package protobuf

import (
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/tidemill/tidemill/internal/canon"
)

const stringKind = protoreflect.StringKind

var (
	errInteger = errors.New("not an integer of the field's type")
	errFloat   = errors.New("not a number of the field's type")
	errBase64  = errors.New("not base64")
)

// wrong says that v cannot be a value of f.
func wrong(f *field, v canon.Value) error {
	return fmt.Errorf("%s where %s belongs", v.Kind(), f.kind)
}

// value reads a value of f and reports whether it is the zero value of its
// kind.
func (r *reader) value(f *field, v canon.Value) (zero bool, err error) {
	switch f.kind {
	case protoreflect.BoolKind:
		if v.Kind() != canon.True && v.Kind() != canon.False {
			return false, wrong(f, v)
		}
		r.buf = strconv.AppendBool(r.buf, v.Kind() == canon.True)
		return v.Kind() == canon.False, nil
	case protoreflect.DoubleKind:
		return r.float(f, v, 64)
	case protoreflect.FloatKind:
		return r.float(f, v, 32)
	case protoreflect.StringKind:
		if v.Kind() != canon.String {
			return false, wrong(f, v)
		}
		r.buf, err = v.Append(r.buf)
		return len(v.Bytes()) == 0, err
	case protoreflect.BytesKind:
		return r.base64(f, v)
	case protoreflect.EnumKind:
		return r.enum(f, v)
	case protoreflect.MessageKind, protoreflect.GroupKind:
		return false, r.message(v, f.message)
	}
	return r.integer(f, v)
}

// integer reads a number or a string that holds one. A fraction of zeros and
// an exponent are allowed, as long as the value is whole.
func (r *reader) integer(f *field, v canon.Value) (zero bool, err error) {
	if v.Kind() != canon.Number && v.Kind() != canon.String {
		return false, wrong(f, v)
	}
	var scratch [32]byte
	text, err := canon.AppendNumber(scratch[:0], v.Bytes())
	if err != nil || !f.holds(string(text)) {
		return false, errInteger
	}
	quoted := f.wide()
	if quoted {
		r.buf = append(r.buf, '"')
	}
	r.buf = append(r.buf, text...)
	if quoted {
		r.buf = append(r.buf, '"')
	}
	return string(text) == "0", nil
}

// wide reports whether f is a 64-bit integer.
func (f *field) wide() bool {
	switch f.kind {
	case protoreflect.Int64Kind, protoreflect.Sint64Kind, protoreflect.Sfixed64Kind, protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		return true
	}
	return false
}

// holds reports whether the decimal text is within the integers of f.
func (f *field) holds(text string) bool {
	bits := 32
	if f.wide() {
		bits = 64
	}
	var err error
	switch f.kind {
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind, protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		_, err = strconv.ParseUint(text, 10, bits)
	default:
		_, err = strconv.ParseInt(text, 10, bits)
	}
	return err == nil
}

func (r *reader) float(f *field, v canon.Value, bits int) (zero bool, err error) {
	if v.Kind() != canon.Number && v.Kind() != canon.String {
		return false, wrong(f, v)
	}
	var x float64
	switch text := string(v.Bytes()); {
	case v.Kind() == canon.Number || canon.IsNumber(v.Bytes()):
		if x, err = strconv.ParseFloat(text, bits); err != nil {
			return false, errFloat
		}
	case text == "NaN":
		x = math.NaN()
	case text == "Infinity":
		x = math.Inf(1)
	case text == "-Infinity":
		x = math.Inf(-1)
	default:
		return false, errFloat
	}
	r.buf = appendFloat(r.buf, x, bits)
	return x == 0, nil
}

// base64 reads the standard and the URL alphabet, with padding or without.
func (r *reader) base64(f *field, v canon.Value) (zero bool, err error) {
	if v.Kind() != canon.String {
		return false, wrong(f, v)
	}
	text := strings.TrimRight(string(v.Bytes()), "=")
	code := base64.RawStdEncoding
	if strings.ContainsAny(text, "-_") {
		code = base64.RawURLEncoding
	}
	raw, err := code.DecodeString(text)
	if err != nil {
		return false, errBase64
	}
	r.buf = appendBase64(r.buf, raw)
	return len(raw) == 0, nil
}

// enum reads a name or a number. A name that the schema does not have stays
// as it is, as an unknown number does.
func (r *reader) enum(f *field, v canon.Value) (zero bool, err error) {
	switch v.Kind() {
	case canon.Null:
		if f.enum.null {
			r.buf = append(r.buf, "null"...)
			return true, nil
		}
	case canon.String:
		if number, ok := f.enum.numbers[string(v.Bytes())]; ok {
			r.buf = f.enum.append(r.buf, number)
			return number == 0, nil
		}
		r.buf, err = v.Append(r.buf)
		return false, err
	case canon.Number:
		var scratch [32]byte
		text, err := canon.AppendNumber(scratch[:0], v.Bytes())
		if err != nil {
			return false, errInteger
		}
		number, err := strconv.ParseInt(string(text), 10, 32)
		if err != nil {
			return false, errInteger
		}
		r.buf = f.enum.append(r.buf, protoreflect.EnumNumber(number))
		return number == 0, nil
	}
	return false, wrong(f, v)
}

// canonicalKey returns the text of a map key.
func (f *field) canonicalKey(name canon.Value) (string, error) {
	text := string(name.Bytes())
	switch f.kind {
	case protoreflect.StringKind:
		return text, nil
	case protoreflect.BoolKind:
		if text == "true" || text == "false" {
			return text, nil
		}
		return "", errors.New("a map key is not true or false")
	}
	var scratch [32]byte
	number, err := canon.AppendNumber(scratch[:0], name.Bytes())
	if err != nil || !f.holds(string(number)) {
		return "", errors.New("a map key is not an integer of its type")
	}
	return string(number), nil
}
