package jinja

import (
	"fmt"
	"math/big"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Str returns v as {{ v }} renders it. A text that would be very large, or a
// value that contains itself, ends in an ellipsis; rendering itself fails.
func Str(v any) string {
	w := textWriter{max: 64 << 20}
	w.str(v)
	if w.err != nil {
		return w.b.String() + "..."
	}
	return w.b.String()
}

// Repr returns v as Python's repr does: strings are quoted. It has the bounds
// of Str.
func Repr(v any) string {
	w := textWriter{max: 64 << 20}
	w.repr(v, 0)
	if w.err != nil {
		return w.b.String() + "..."
	}
	return w.b.String()
}

// str returns the text of v, charged to the budget.
func (b *budget) str(v any) (string, error) {
	switch v := v.(type) {
	case string:
		return v, nil
	case int64:
		return strconv.FormatInt(v, 10), nil
	case *Undefined:
		return "", v.strictErr()
	}
	w := textWriter{max: int(min(b.lim.Memory-b.mem, int64(b.lim.Output)))}
	w.str(v)
	if w.err != nil {
		return "", w.err
	}
	return w.b.String(), b.alloc(w.b.Len())
}

// textWriter builds a repr within max bytes; err is the first fault.
type textWriter struct {
	b    strings.Builder
	max  int
	err  error
	path []any // the containers around the value in hand
}

func (w *textWriter) put(s string) {
	if w.err == nil && w.b.Len()+len(s) > w.max {
		w.err = fmt.Errorf("text of a value is larger than %d bytes", w.max)
	}
	if w.err == nil {
		w.b.WriteString(s)
	}
}

func (w *textWriter) str(v any) {
	switch v := v.(type) {
	case string:
		w.put(v)
	case *Undefined:
		if w.err == nil {
			w.err = v.strictErr()
		}
	case fmt.Stringer:
		if _, ok := v.(*big.Int); ok {
			w.repr(v, 0)
			return
		}
		w.put(v.String())
	default:
		w.repr(v, 0)
	}
}

func (w *textWriter) repr(v any, depth int) {
	if w.err != nil {
		return
	}
	if depth > maxNesting {
		w.err = errNesting
		return
	}
	switch v := v.(type) {
	case nil:
		w.put("None")
	case bool:
		if v {
			w.put("True")
		} else {
			w.put("False")
		}
	case int64:
		w.put(strconv.FormatInt(v, 10))
	case *big.Int:
		if v.BitLen() > 14284 { // 4300 digits, Python's bound
			w.err = fmt.Errorf("int has too many digits to print")
			return
		}
		w.put(v.String())
	case float64:
		w.put(formatFloat(v))
	case string:
		w.put(quote(v))
	case *Undefined:
		w.put("Undefined")
	case interface{ repr(*textWriter, int) }:
		v.repr(w, depth)
	case interface{ Repr() string }:
		w.put(v.Repr())
	case fmt.Stringer:
		w.put(v.String())
	case *List, Tuple, *Dict, *Set:
		w.container(v, depth)
	default:
		w.put("<" + typeName(v) + " object>")
	}
}

// container writes a list, tuple, dict or set; one inside itself as [...].
func (w *textWriter) container(v any, depth int) {
	if t, ok := v.(Tuple); ok {
		w.items("(", t, tupleEnd(t), depth)
		return
	}
	_, isDict := v.(*Dict)
	for _, outer := range w.path {
		if outer == v {
			if isDict {
				w.put("{...}")
			} else {
				w.put("[...]")
			}
			return
		}
	}
	w.path = append(w.path, v)
	defer func() { w.path = w.path[:len(w.path)-1] }()
	switch v := v.(type) {
	case *List:
		w.items("[", v.Items, "]", depth)
	case *Set:
		if v.Len() == 0 {
			w.put("set()")
			return
		}
		w.items("{", v.Elements(), "}", depth)
	case *Dict:
		w.put("{")
		first := true
		for k, el := range v.All() {
			if !first {
				w.put(", ")
			}
			first = false
			w.repr(k, depth+1)
			w.put(": ")
			w.repr(el, depth+1)
		}
		w.put("}")
	}
}

func tupleEnd(t Tuple) string {
	if len(t) == 1 {
		return ",)"
	}
	return ")"
}

func (w *textWriter) items(open string, items []any, end string, depth int) {
	w.put(open)
	for i, it := range items {
		if i > 0 {
			w.put(", ")
		}
		w.repr(it, depth+1)
		if w.err != nil {
			return
		}
	}
	w.put(end)
}

// quote returns Python's repr of a string.
func quote(s string) string {
	q := byte('\'')
	if strings.Contains(s, "'") && !strings.Contains(s, `"`) {
		q = '"'
	}
	var b strings.Builder
	b.Grow(len(s) + 2)
	b.WriteByte(q)
	for i, r := range s {
		switch {
		case r == rune(q) || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == utf8.RuneError && s[i] != 0xef:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case r < 0x20 || r == 0x7f || r > 0x7f && r < 0x100 && !unicode.IsPrint(r):
			fmt.Fprintf(&b, `\x%02x`, r)
		case r < 0x7f || unicode.IsPrint(r):
			b.WriteRune(r)
		case r <= 0xffff:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			fmt.Fprintf(&b, `\U%08x`, r)
		}
	}
	b.WriteByte(q)
	return b.String()
}
