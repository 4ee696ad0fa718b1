package protobuf

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/tidemill/tidemill/internal/canon"
)

// oracle writes messages by reflection, as google's parser understood them: an
// independent way to the same text.
type oracle struct {
	schema *Schema
	buf    []byte
	start  int // where the text began in buf
	levels int // of arrays and objects that are open
	keys   []oracleKey
}

type oracleKey struct {
	text  string
	value protoreflect.Value
}

// message writes m in the form of its type.
func (w *oracle) message(m protoreflect.Message, p *plan) error {
	if p.form != plainForm {
		if done, err := w.special(m, p); done || err != nil {
			return err
		}
	}
	return w.object(m, p, "")
}

// object writes m as a plain message, with the type URL of an Any around it.
func (w *oracle) object(m protoreflect.Message, p *plan, url string) error {
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

func (w *oracle) open(bracket byte) error {
	w.levels++
	if w.levels > canon.MaxDepth {
		return errDeep
	}
	w.buf = append(w.buf, bracket)
	return nil
}

func (w *oracle) close(bracket byte) {
	w.levels--
	w.buf = append(w.buf, bracket)
}

func (w *oracle) bounded() error {
	if len(w.buf)-w.start > canon.MaxText {
		return canon.ErrTooLarge
	}
	return nil
}

// comma separates what follows from what was written within an object or
// array.
func (w *oracle) comma() {
	if c := w.buf[len(w.buf)-1]; c != '{' && c != '[' {
		w.buf = append(w.buf, ',')
	}
}

func (w *oracle) member(head string) {
	w.comma()
	w.buf = append(w.buf, head...)
}

func (w *oracle) field(f *field, v protoreflect.Value) error {
	switch {
	case f.list:
		return w.list(f, v.List())
	case f.key != nil:
		return w.mapping(f, v.Map())
	}
	return w.value(f, v)
}

func (w *oracle) list(f *field, l protoreflect.List) error {
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

func (w *oracle) mapping(f *field, m protoreflect.Map) error {
	from := len(w.keys)
	m.Range(func(k protoreflect.MapKey, v protoreflect.Value) bool {
		w.keys = append(w.keys, oracleKey{k.String(), v})
		return true
	})
	keys := w.keys[from:]
	slices.SortFunc(keys, func(a, b oracleKey) int { return canon.CompareNames([]byte(a.text), []byte(b.text)) })
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
func (w *oracle) value(f *field, v protoreflect.Value) error {
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

// special writes m, of a well-known type, in its own form. Done is false
// where that form cannot carry m, which is then written as a plain message.
func (w *oracle) special(m protoreflect.Message, p *plan) (done bool, err error) {
	unknown := len(m.GetUnknown()) > 0
	switch p.form {
	case anyForm, structForm, listForm, valueForm:
		if unknown {
			return false, fmt.Errorf("unknown fields in %s, which has no place for them", p.desc.FullName())
		}
		return true, w.nested(m, p)
	}
	if unknown {
		return false, nil
	}
	mark := len(w.buf)
	var ok bool
	switch p.form {
	case timestampForm:
		w.buf, ok = appendTimestamp(w.buf, m.Get(p.byNumber[1].desc).Int(), m.Get(p.byNumber[2].desc).Int())
	case durationForm:
		w.buf, ok = appendDuration(w.buf, m.Get(p.byNumber[1].desc).Int(), m.Get(p.byNumber[2].desc).Int())
	case fieldMaskForm:
		w.buf, ok = appendFieldMask(w.buf, listStrings(m.Get(p.byNumber[1].desc).List()))
	case wrapperForm:
		f := p.byNumber[1]
		return true, w.value(f, m.Get(f.desc))
	}
	if !ok {
		w.buf = w.buf[:mark]
	}
	return ok, nil
}

// nested writes the forms that hold values of any kind.
func (w *oracle) nested(m protoreflect.Message, p *plan) error {
	switch p.form {
	case structForm:
		f := p.byNumber[1]
		return w.mapping(f, m.Get(f.desc).Map())
	case listForm:
		f := p.byNumber[1]
		return w.list(f, m.Get(f.desc).List())
	case valueForm:
		return w.dynamic(m, p)
	}
	return w.any(m, p)
}

// dynamic writes a google.protobuf.Value.
func (w *oracle) dynamic(m protoreflect.Message, p *plan) error {
	for _, f := range p.fields {
		if !m.Has(f.desc) {
			continue
		}
		v := m.Get(f.desc)
		if f.kind == protoreflect.DoubleKind && v.Float()-v.Float() != 0 {
			return errors.New("google.protobuf.Value holds a number that is not finite")
		}
		return w.value(f, v)
	}
	return errors.New("google.protobuf.Value holds nothing")
}

// any writes a google.protobuf.Any: the message within where its type is
// known, else its bytes.
func (w *oracle) any(m protoreflect.Message, p *plan) error {
	url := m.Get(p.byNumber[1].desc).String()
	body := m.Get(p.byNumber[2].desc).Bytes()
	switch inner := p.schema.plans[typeOfURL(url)]; {
	case !utf8.ValidString(url):
		return errUTF8
	case url == "" && len(body) == 0:
		w.buf = append(w.buf, "{}"...)
		return nil
	case inner != nil:
		return w.known(inner, url, body)
	}
	w.buf = append(w.buf, `{"@type":`...)
	w.buf = canon.AppendString(w.buf, url)
	w.buf = append(w.buf, `,"value":`...)
	w.buf = appendBase64(w.buf, body)
	w.buf = append(w.buf, '}')
	return nil
}

func (w *oracle) known(p *plan, url string, body []byte) error {
	m := dynamicpb.NewMessage(p.desc)
	err := proto.UnmarshalOptions{AllowPartial: true, Resolver: p.schema.types, RecursionLimit: MaxMessages}.Unmarshal(body, m)
	if err != nil {
		return fmt.Errorf("any of %s: %w", p.desc.FullName(), err)
	}
	if p.form == plainForm {
		return w.object(m, p, url)
	}
	if err := w.open('{'); err != nil {
		return err
	}
	w.buf = append(w.buf, `"@type":`...)
	w.buf = canon.AppendString(w.buf, url)
	w.buf = append(w.buf, `,"value":`...)
	if err := w.message(m, p); err != nil {
		return err
	}
	w.close('}')
	return nil
}

// unknown writes unknown records as base64, in the order of their field
// numbers; those of one field stay in the order in which they came.
func (w *oracle) unknown(raw []byte) error {
	type record struct {
		number     protowire.Number
		start, end int
	}
	var few [8]record
	records, ordered := few[:0], true
	for at := 0; at < len(raw); {
		number, _, n := protowire.ConsumeField(raw[at:])
		if n < 0 {
			return protowire.ParseError(n)
		}
		if k := len(records); k > 0 && records[k-1].number > number {
			ordered = false
		}
		records = append(records, record{number, at, at + n})
		at += n
	}
	if ordered {
		w.buf = appendBase64(w.buf, raw)
		return nil
	}
	slices.SortStableFunc(records, func(a, b record) int { return int(a.number) - int(b.number) })
	inOrder := make([]byte, 0, len(raw))
	for _, r := range records {
		inOrder = append(inOrder, raw[r.start:r.end]...)
	}
	w.buf = appendBase64(w.buf, inOrder)
	return nil
}

func listStrings(l protoreflect.List) []string {
	var out []string
	for i := range l.Len() {
		out = append(out, l.Get(i).String())
	}
	return out
}

// oracleText parses body with dynamicpb and writes it by reflection.
func oracleText(t *Type, body []byte) ([]byte, error) {
	m := dynamicpb.NewMessage(t.plan.desc)
	options := proto.UnmarshalOptions{AllowPartial: true, Resolver: t.schema.types, RecursionLimit: MaxMessages}
	if err := options.Unmarshal(body, m); err != nil {
		return nil, err
	}
	w := oracle{schema: t.schema}
	err := w.message(m, t.plan)
	return w.buf, err
}
