package jinja

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"math/big"
	"slices"
	"strings"
)

// JSONOptions choose how ToJSON writes.
type JSONOptions struct {
	SortKeys bool
	Indent   string // one level; "" keeps everything in one line
	HTML     bool   // write < > & ' as escapes, as the filter tojson does
}

// ToJSON returns v as Python's json.dumps writes it: ", " and ": " between,
// what is not ASCII escaped. What has no JSON form is an error.
func ToJSON(v any, opt JSONOptions) (string, error) {
	w := jsonWriter{opt: opt, textWriter: textWriter{max: 64 << 20}}
	w.value(v, 0)
	return w.b.String(), w.err
}

type jsonWriter struct {
	textWriter
	opt JSONOptions
}

func (w *jsonWriter) value(v any, depth int) {
	if w.err != nil {
		return
	}
	if depth > maxNesting {
		w.err = errNesting
		return
	}
	switch v := v.(type) {
	case nil:
		w.put("null")
	case bool:
		w.put(fmt.Sprint(v))
	case string:
		w.quoted(v)
	case float64:
		w.put(jsonFloat(v))
	case int64, *big.Int:
		w.repr(v, depth)
	case *List:
		w.array(v.Items, depth)
	case Tuple:
		w.array(v, depth)
	case *group:
		w.array(v.Elements(), depth)
	case *Dict:
		w.object(v, depth)
	case json.Marshaler:
		b, err := v.MarshalJSON()
		w.put(string(b))
		w.err = errors.Join(w.err, err)
	default:
		w.err = errType("object of type %s is not JSON serializable", typeName(v))
	}
}

func jsonFloat(f float64) string {
	switch {
	case math.IsNaN(f):
		return "NaN"
	case math.IsInf(f, 1):
		return "Infinity"
	case math.IsInf(f, -1):
		return "-Infinity"
	}
	return formatFloat(f)
}

// between writes what stands before element i of a container.
func (w *jsonWriter) between(i, depth int) {
	switch {
	case w.opt.Indent != "":
		if i > 0 {
			w.put(",")
		}
		w.newline(depth + 1)
	case i > 0:
		w.put(", ")
	}
}

func (w *jsonWriter) newline(depth int) {
	if w.opt.Indent != "" {
		w.put("\n" + strings.Repeat(w.opt.Indent, depth))
	}
}

func (w *jsonWriter) array(items []any, depth int) {
	if len(items) == 0 {
		w.put("[]")
		return
	}
	w.put("[")
	for i, it := range items {
		w.between(i, depth)
		w.value(it, depth+1)
		if w.err != nil {
			return
		}
	}
	w.newline(depth)
	w.put("]")
}

func (w *jsonWriter) object(d *Dict, depth int) {
	if d.Len() == 0 {
		w.put("{}")
		return
	}
	keys := d.keys()
	if w.opt.SortKeys {
		if w.err = sortKeys(keys); w.err != nil {
			return
		}
	}
	w.put("{")
	for i, k := range keys {
		w.between(i, depth)
		name, err := jsonKey(k)
		if err != nil {
			w.err = err
			return
		}
		w.quoted(name)
		w.put(": ")
		v, _ := d.Get(k)
		w.value(v, depth+1)
		if w.err != nil {
			return
		}
	}
	w.newline(depth)
	w.put("}")
}

func sortKeys(keys []any) error {
	b := newBudget(context.Background(), Limits{})
	var fault error
	slices.SortStableFunc(keys, func(x, y any) int {
		r, err := b.order("<", x, y, 0)
		fault = errors.Join(fault, err)
		if r == 2 {
			r = 0
		}
		return r
	})
	return fault
}

func jsonKey(k any) (string, error) {
	switch k := k.(type) {
	case string:
		return k, nil
	case nil:
		return "null", nil
	case bool:
		return fmt.Sprint(k), nil
	case float64:
		return jsonFloat(k), nil
	case int64, *big.Int:
		return Repr(k), nil
	}
	return "", errType("keys must be str, int, float, bool or None, not %s", typeName(k))
}

func (w *jsonWriter) quoted(s string) {
	var b strings.Builder
	b.Grow(len(s) + 2)
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == '\b':
			b.WriteString(`\b`)
		case r == '\f':
			b.WriteString(`\f`)
		case r < 0x20 || w.opt.HTML && strings.ContainsRune("<>&'", r):
			fmt.Fprintf(&b, `\u%04x`, r)
		case r < 0x80:
			b.WriteRune(r)
		case r > 0xffff:
			r -= 0x10000
			fmt.Fprintf(&b, `\u%04x\u%04x`, 0xd800+r>>10, 0xdc00+r&0x3ff)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	b.WriteByte('"')
	w.put(b.String())
}

func toJSONFilter(c *Call) (any, error) {
	a, err := c.Unpack("tojson", "value", "indent?")
	if err != nil {
		return nil, err
	}
	opt := JSONOptions{SortKeys: true, HTML: true}
	if or(a[1], nil) != nil {
		n, err := wantInt(a[1], 0)
		if err != nil {
			return nil, err
		}
		opt.Indent = strings.Repeat(" ", min(max(n, 0), 32))
	}
	s, err := ToJSON(a[0], opt)
	if err != nil {
		return nil, err
	}
	return s, c.budget().alloc(len(s))
}

func fromJSONFilter(c *Call) (any, error) {
	a, err := c.Unpack("fromjson", "value")
	if err != nil {
		return nil, err
	}
	s, err := wantStr(a[0], "")
	if err != nil {
		return nil, err
	}
	if err := c.budget().list(len(s)); err != nil {
		return nil, err
	}
	return FromJSON(s)
}

// FromJSON returns the value that s holds. Objects keep the order of their
// keys, ints are exact.
func FromJSON(s string) (any, error) {
	d := json.NewDecoder(bytes.NewReader([]byte(s)))
	d.UseNumber()
	v, err := decodeJSON(d, 0)
	if err != nil {
		return nil, fmt.Errorf("parse JSON: %w", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("parse JSON: text after the value")
	}
	return v, nil
}

func decodeJSON(d *json.Decoder, depth int) (any, error) {
	if depth > maxNesting {
		return nil, errNesting
	}
	tok, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch tok := tok.(type) {
	case json.Number:
		return FromGo(tok), nil
	case json.Delim:
		if tok == '[' {
			return decodeArray(d, depth)
		}
		return decodeObject(d, depth)
	}
	return tok, nil
}

func decodeArray(d *json.Decoder, depth int) (any, error) {
	l := NewList()
	for d.More() {
		v, err := decodeJSON(d, depth+1)
		if err != nil {
			return nil, err
		}
		l.Items = append(l.Items, v)
	}
	_, err := d.Token()
	return l, err
}

func decodeObject(d *json.Decoder, depth int) (any, error) {
	o := NewDict()
	for d.More() {
		k, err := d.Token()
		if err != nil {
			return nil, err
		}
		v, err := decodeJSON(d, depth+1)
		if err != nil {
			return nil, err
		}
		if err := o.Set(k, v); err != nil {
			return nil, err
		}
	}
	_, err := d.Token()
	return o, err
}
