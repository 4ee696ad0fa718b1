package protobuf

import (
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/tidemill/tidemill/internal/canon"
)

// writer appends messages from the wire as canonical text.
type writer struct {
	schema  *Schema
	buf     []byte
	start   int // where the text began in buf
	levels  int // of arrays and objects that are open
	depth   int // of messages that are open
	records []record
	slots   []slot
	keys    []mapKey
}

// mapKey is an entry of a map that is being sorted.
type mapKey struct {
	text  string
	entry scan
	value slot
}

var (
	errUTF8 = errors.New("invalid UTF-8")
	errDeep = fmt.Errorf("more than %d messages or %d levels deep", MaxMessages, canon.MaxDepth)
)

// message writes the message body in the form of its type; with the URL of an
// Any around it where that is not empty.
func (w *writer) message(body []byte, p *plan, url string) error {
	if w.depth >= MaxMessages {
		return errDeep
	}
	w.depth++
	defer func() { w.depth-- }()
	s, err := w.scan(body, p)
	defer w.pop(s)
	if err != nil {
		return err
	}
	if p.form != plainForm {
		if done, err := w.special(s); done || err != nil {
			return err
		}
	}
	return w.object(s, url)
}

// object writes s as a plain message.
func (w *writer) object(s scan, url string) error {
	if err := w.open('{'); err != nil {
		return err
	}
	p := s.plan
	for i := range len(p.fields) + 1 {
		if i == p.typeAt && url != "" {
			w.member(`"@type":`)
			w.buf = canon.AppendString(w.buf, url)
		}
		if i == p.unknownAt && w.unknown(s).first > 0 {
			w.member(`"_unknown":`)
			w.kept(s)
		}
		if i == len(p.fields) {
			break
		}
		own := w.slot(s, i)
		if own.first == 0 {
			continue
		}
		mark := len(w.buf)
		f := p.fields[i]
		w.comma()
		w.buf = append(w.buf, f.head...)
		empty, err := w.field(s, f, own)
		if err != nil {
			return fmt.Errorf("field %s: %w", f.proto, err)
		}
		if empty {
			w.buf = w.buf[:mark]
		}
	}
	w.close('}')
	return w.bounded()
}

func (w *writer) bounded() error {
	if len(w.buf)-w.start > canon.MaxText {
		return canon.ErrTooLarge
	}
	return nil
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

// field writes the value of f: of a singular scalar the last record counts,
// those of a message are merged. Empty says that it is not to stay: the default
// of a field without presence, or an empty list.
func (w *writer) field(s scan, f *field, own slot) (empty bool, err error) {
	switch {
	case f.list:
		return w.list(s, f, own)
	case f.key != nil:
		return false, w.mapping(s, f, own)
	case f.message != nil:
		return false, w.message(w.merged(s, own), f.message, "")
	}
	zero, err := w.single(s, f, w.records[own.last-1])
	return zero && f.implicit, err
}

// single writes one value from its record.
func (w *writer) single(s scan, f *field, r record) (zero bool, err error) {
	switch r.kind {
	case protowire.BytesType, protowire.StartGroupType:
		if f.message != nil {
			return false, w.message(s.bytes(r), f.message, "")
		}
		return w.text(f, s.bytes(r))
	}
	w.buf, zero = f.appendNumber(w.buf, r.bits)
	return zero, nil
}

// text writes a string or bytes.
func (w *writer) text(f *field, b []byte) (zero bool, err error) {
	if f.kind == protoreflect.BytesKind {
		w.buf = appendBase64(w.buf, b)
		return len(b) == 0, nil
	}
	if !utf8.Valid(b) {
		return false, errUTF8
	}
	w.buf = canon.AppendString(w.buf, b)
	return len(b) == 0, nil
}

func (w *writer) list(s scan, f *field, own slot) (empty bool, err error) {
	if err := w.open('['); err != nil {
		return false, err
	}
	from := len(w.buf)
	for i := own.first; i > 0; i = w.records[i-1].next {
		r := w.records[i-1]
		if r.kind == protowire.BytesType && f.packable() {
			err = w.packed(f, s.bytes(r))
		} else {
			w.comma()
			_, err = w.single(s, f, r)
		}
		if err == nil {
			err = w.bounded()
		}
		if err != nil {
			return false, err
		}
	}
	w.close(']')
	return len(w.buf) == from+1, nil
}

func (w *writer) packed(f *field, b []byte) error {
	r := record{kind: f.wire()}
	for len(b) > 0 {
		n := r.consume(b, 1, 0)
		if n < 0 {
			return protowire.ParseError(n)
		}
		b = b[n:]
		w.comma()
		w.buf, _ = f.appendNumber(w.buf, r.bits)
		if err := w.bounded(); err != nil {
			return err
		}
	}
	return nil
}

// mapping writes a map by the order of its keys; of equal keys the last
// counts.
func (w *writer) mapping(s scan, f *field, own slot) error {
	from := len(w.keys)
	top := scan{slots: len(w.slots), records: len(w.records)}
	defer func() {
		clear(w.keys[from:])
		w.keys = w.keys[:from]
		w.pop(top)
	}()
	for i := own.first; i > 0; i = w.records[i-1].next {
		k, err := w.entry(s.bytes(w.records[i-1]), f)
		if err != nil {
			return err
		}
		w.keys = append(w.keys, k)
	}
	keys := w.keys[from:]
	slices.SortStableFunc(keys, func(a, b mapKey) int { return canon.CompareNames([]byte(a.text), []byte(b.text)) })
	if err := w.open('{'); err != nil {
		return err
	}
	for i, k := range keys {
		if i+1 < len(keys) && keys[i+1].text == k.text {
			continue
		}
		w.comma()
		w.buf = canon.AppendString(w.buf, k.text)
		w.buf = append(w.buf, ':')
		if err := w.item(f.item, k); err != nil {
			return err
		}
		if err := w.bounded(); err != nil {
			return err
		}
	}
	w.close('}')
	return nil
}

// entry reads one entry of a map. Its scan stays on the stack.
func (w *writer) entry(body []byte, f *field) (mapKey, error) {
	e, err := w.scan(body, f.entry)
	if err != nil {
		return mapKey{}, err
	}
	if w.unknown(e).first > 0 {
		return mapKey{}, errors.New("unknown fields in the entry of a map, which has no place for them")
	}
	k := mapKey{entry: e, value: w.of(e, 2)}
	key := w.of(e, 1)
	if f.key.kind == protoreflect.StringKind {
		if key.first > 0 {
			k.text = string(e.bytes(w.records[key.last-1]))
		}
		if !utf8.ValidString(k.text) {
			return mapKey{}, errUTF8
		}
		return k, nil
	}
	bits := uint64(0)
	if key.first > 0 {
		bits = w.records[key.last-1].bits
	}
	var scratch [24]byte
	text, _ := f.key.appendNumber(scratch[:0], bits)
	if text[0] == '"' {
		text = text[1 : len(text)-1]
	}
	k.text = string(text)
	return k, nil
}

// item writes the value of an entry, the default where there is none.
func (w *writer) item(f *field, k mapKey) error {
	var err error
	switch {
	case f.message != nil && k.value.first > 0:
		return w.message(w.merged(k.entry, k.value), f.message, "")
	case f.message != nil:
		return w.message(nil, f.message, "")
	case k.value.first > 0:
		_, err = w.single(k.entry, f, w.records[k.value.last-1])
	default:
		_, err = w.zero(f)
	}
	return err
}

// zero writes the default of a scalar.
func (w *writer) zero(f *field) (zero bool, err error) {
	if f.wire() == protowire.BytesType {
		return w.text(f, nil)
	}
	w.buf, zero = f.appendNumber(w.buf, 0)
	return zero, nil
}

// kept writes unknown records as base64, in the order of their field numbers;
// those of one field stay in the order in which they came.
func (w *writer) kept(s scan) {
	type raw struct {
		number protowire.Number
		bytes  []byte
	}
	var few [8]raw
	all, size := few[:0], 0
	for i := w.unknown(s).first; i > 0; i = w.records[i-1].next {
		r := w.records[i-1]
		b := s.body[r.start:r.stop]
		number, _, _ := protowire.ConsumeTag(b)
		all = append(all, raw{number, b})
		size += len(b)
	}
	slices.SortStableFunc(all, func(a, b raw) int { return int(a.number) - int(b.number) })
	b := make([]byte, 0, size)
	for _, r := range all {
		b = append(b, r.bytes...)
	}
	w.buf = appendBase64(w.buf, b)
}
