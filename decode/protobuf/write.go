package protobuf

import (
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"unicode/utf8"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/tidemill/tidemill/internal/canon"
)

// writer appends messages as canonical text.
type writer struct {
	schema *Schema
	buf    []byte
	start  int // where the text began in buf
	levels int // of arrays and objects that are open
	keys   []mapKey
}

type mapKey struct {
	text  string
	value protoreflect.Value
}

var (
	errUTF8 = errors.New("invalid UTF-8")
	errDeep = fmt.Errorf("more than %d levels", canon.MaxDepth)
)

// message writes m in the form of its type.
func (w *writer) message(m protoreflect.Message, p *plan) error {
	if p.form != plainForm {
		if done, err := w.special(m, p); done || err != nil {
			return err
		}
	}
	return w.object(m, p, "")
}

// object writes m as a plain message, with the type URL of an Any around it.
func (w *writer) object(m protoreflect.Message, p *plan, url string) error {
	if err := w.open('{'); err != nil {
		return err
	}
	unknown := m.GetUnknown()
	for i := range len(p.fields) + 1 {
		if i == p.typeAt && url != "" {
			w.member(`"@type":`)
			w.buf = canon.AppendString(w.buf, url)
		}
		if i == p.unknownAt && len(unknown) > 0 {
			w.member(`"_unknown":`)
			if err := w.unknown(unknown); err != nil {
				return err
			}
		}
		if i == len(p.fields) {
			break
		}
		f := p.fields[i]
		if !m.Has(f.desc) {
			continue
		}
		v := m.Get(f.desc)
		if f.implicit && f.isFloat() && v.Float() == 0 {
			continue // minus zero
		}
		w.comma()
		w.buf = append(w.buf, f.head...)
		if err := w.field(f, v); err != nil {
			return fmt.Errorf("field %s: %w", f.proto, err)
		}
	}
	w.close('}')
	return w.bounded()
}

func (w *writer) open(bracket byte) error {
	w.levels++
	if w.levels > canon.MaxDepth {
		return errDeep
	}
	w.buf = append(w.buf, bracket)
	return nil
}

func (w *writer) close(bracket byte) {
	w.levels--
	w.buf = append(w.buf, bracket)
}

func (w *writer) bounded() error {
	if len(w.buf)-w.start > canon.MaxText {
		return canon.ErrTooLarge
	}
	return nil
}

// comma separates what follows from what was written within an object or
// array.
func (w *writer) comma() {
	if c := w.buf[len(w.buf)-1]; c != '{' && c != '[' {
		w.buf = append(w.buf, ',')
	}
}

func (w *writer) member(head string) {
	w.comma()
	w.buf = append(w.buf, head...)
}

func (w *writer) field(f *field, v protoreflect.Value) error {
	switch {
	case f.list:
		return w.list(f, v.List())
	case f.key != nil:
		return w.mapping(f, v.Map())
	}
	return w.value(f, v)
}

func (w *writer) list(f *field, l protoreflect.List) error {
	if err := w.open('['); err != nil {
		return err
	}
	for i := range l.Len() {
		if i > 0 {
			w.buf = append(w.buf, ',')
		}
		if err := w.value(f, l.Get(i)); err != nil {
			return err
		}
		if err := w.bounded(); err != nil {
			return err
		}
	}
	w.close(']')
	return nil
}

func (w *writer) mapping(f *field, m protoreflect.Map) error {
	from := len(w.keys)
	m.Range(func(k protoreflect.MapKey, v protoreflect.Value) bool {
		w.keys = append(w.keys, mapKey{k.String(), v})
		return true
	})
	keys := w.keys[from:]
	slices.SortFunc(keys, func(a, b mapKey) int { return canon.CompareNames([]byte(a.text), []byte(b.text)) })
	if err := w.open('{'); err != nil {
		return err
	}
	for i, k := range keys {
		if i > 0 {
			w.buf = append(w.buf, ',')
		}
		if !utf8.ValidString(k.text) {
			return errUTF8
		}
		w.buf = canon.AppendString(w.buf, k.text)
		w.buf = append(w.buf, ':')
		if err := w.value(f.item, k.value); err != nil {
			return err
		}
		if err := w.bounded(); err != nil {
			return err
		}
	}
	w.close('}')
	clear(w.keys[from:])
	w.keys = w.keys[:from]
	return nil
}

// value writes one value: a singular field, an element, the value of a map.
func (w *writer) value(f *field, v protoreflect.Value) error {
	switch f.kind {
	case protoreflect.BoolKind:
		w.buf = strconv.AppendBool(w.buf, v.Bool())
	case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Sfixed32Kind:
		w.buf = strconv.AppendInt(w.buf, v.Int(), 10)
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		w.buf = strconv.AppendUint(w.buf, v.Uint(), 10)
	case protoreflect.Int64Kind, protoreflect.Sint64Kind, protoreflect.Sfixed64Kind:
		w.buf = append(w.buf, '"')
		w.buf = strconv.AppendInt(w.buf, v.Int(), 10)
		w.buf = append(w.buf, '"')
	case protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		w.buf = append(w.buf, '"')
		w.buf = strconv.AppendUint(w.buf, v.Uint(), 10)
		w.buf = append(w.buf, '"')
	case protoreflect.DoubleKind:
		w.buf = appendFloat(w.buf, v.Float(), 64)
	case protoreflect.FloatKind:
		w.buf = appendFloat(w.buf, v.Float(), 32)
	case protoreflect.StringKind:
		s := v.String()
		if !utf8.ValidString(s) {
			return errUTF8
		}
		w.buf = canon.AppendString(w.buf, s)
	case protoreflect.BytesKind:
		w.buf = appendBase64(w.buf, v.Bytes())
	case protoreflect.EnumKind:
		w.buf = f.enum.append(w.buf, v.Enum())
	default:
		return w.message(v.Message(), f.message)
	}
	return nil
}

func (e *enum) append(dst []byte, n protoreflect.EnumNumber) []byte {
	if e.null {
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
