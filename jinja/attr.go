package jinja

import (
	"errors"
	"math"
	"math/big"
	"unicode/utf8"
)

// getAttr computes obj.name: an attribute or method, else the key.
func (f *frame) getAttr(obj any, name string) (any, error) {
	if u, ok := obj.(*Undefined); ok {
		return nil, u.Err()
	}
	if v, ok, err := f.attribute(obj, name); ok || err != nil {
		return v, err
	}
	if v, ok := itemOf(obj, name); ok {
		return v, nil
	}
	return f.undefined("'%s' has no attribute '%s'", typeRepr(obj), name), nil
}

// attribute returns an attribute or method of obj.
func (f *frame) attribute(obj any, name string) (any, bool, error) {
	switch obj := obj.(type) {
	case *loop:
		v, err := obj.attr(f, name)
		return v, true, err
	case Object:
		v, ok := obj.GetAttr(name)
		return v, ok, nil
	case *rangeValue:
		v, ok := map[string]any{"start": obj.start, "stop": obj.stop, "step": obj.step}[name]
		return v, ok, nil
	}
	if m, ok := methodsOf(obj)[name]; ok {
		return &method{obj, name, m}, true, nil
	}
	return nil, false, nil
}

// method is a builtin method bound to its object.
type method struct {
	self any
	name string
	fn   methodFunc
}

type methodFunc func(c *Call, self any) (any, error)

func (m *method) typeName() string { return "builtin_function_or_method" }

func (m *method) repr(w *textWriter, _ int) {
	w.put("<built-in method " + m.name + " of " + typeName(m.self) + " object>")
}

// Call calls the method.
func (m *method) Call(c *Call) (any, error) { return m.fn(c, m.self) }

func methodsOf(v any) map[string]methodFunc {
	switch v.(type) {
	case string:
		return stringMethods
	case *List:
		return listMethods
	case *Dict:
		return dictMethods
	case Tuple:
		return tupleMethods
	case *Set:
		return setMethods
	case bool, int64, *big.Int:
		return intMethods
	case float64:
		return floatMethods
	}
	return nil
}

// itemOf returns what obj holds at a key that is a name.
func itemOf(obj any, key any) (any, bool) {
	switch obj := obj.(type) {
	case *Dict:
		return obj.Get(key)
	case Indexer:
		return obj.GetItem(key)
	}
	return nil, false
}

// getItem computes obj[key]: the element, else the attribute of that name.
func (f *frame) getItem(obj, key any) (any, error) {
	if u, ok := obj.(*Undefined); ok {
		return nil, u.Err()
	}
	if s, ok := key.(sliceKey); ok {
		return f.slice(obj, s)
	}
	if v, ok := itemOf(obj, key); ok {
		return v, nil
	}
	if i, ok := asInt(key); ok {
		if v, ok := elementAt(obj, i); ok {
			return v, nil
		}
	}
	name, ok := key.(string)
	if !ok {
		return f.undefined("%s has no element %s", typeRepr(obj), Repr(key)), nil
	}
	if v, ok, err := f.attribute(obj, name); ok || err != nil {
		return v, err
	}
	return f.undefined("'%s' has no attribute '%s'", typeRepr(obj), name), nil
}

// elementAt returns the element of a sequence; a negative i counts from the
// end.
func elementAt(obj any, i int64) (any, bool) {
	if s, ok := obj.(string); ok {
		return charAt(s, i)
	}
	var items []any
	switch obj := obj.(type) {
	case *List:
		items = obj.Items
	case Tuple:
		items = obj
	case *rangeValue:
		n := int64(obj.len())
		if i < 0 {
			i += n
		}
		if i < 0 || i >= n {
			return nil, false
		}
		return obj.at(int(i)), true
	case *Set, *view:
		return nil, false
	case Sequence:
		items = obj.Elements()
	}
	if i < 0 {
		i += int64(len(items))
	}
	if i < 0 || i >= int64(len(items)) {
		return nil, false
	}
	return items[i], true
}

func charAt(s string, i int64) (any, bool) {
	n := int64(utf8.RuneCountInString(s))
	if i < 0 {
		i += n
	}
	if i < 0 || i >= n {
		return nil, false
	}
	if n == int64(len(s)) {
		return s[i : i+1], true
	}
	return string([]rune(s)[i]), true
}

// slice computes obj[start:stop:step].
func (f *frame) slice(obj any, k sliceKey) (any, error) {
	var n int
	switch obj := obj.(type) {
	case string, *List, Tuple, *rangeValue:
		n, _ = length(obj)
	default:
		if _, ok := obj.(Sequence); !ok {
			return nil, errType("'%s' object cannot be sliced", typeName(obj))
		}
		n, _ = length(obj)
	}
	start, step, count, err := k.indices(n)
	if err != nil {
		return nil, err
	}
	if err := f.run.list(count); err != nil {
		return nil, err
	}
	if s, ok := obj.(string); ok {
		return sliceString(s, start, step, count), nil
	}
	if r, ok := obj.(*rangeValue); ok {
		from := r.start + int64(start)*r.step
		by := r.step * int64(step)
		return &rangeValue{from, from + int64(count)*by, by}, nil
	}
	out := make([]any, count)
	for i := range out {
		out[i], _ = elementAt(obj, int64(start+i*step))
	}
	if _, ok := obj.(Tuple); ok {
		return Tuple(out), nil
	}
	return NewList(out...), nil
}

func sliceString(s string, start, step, count int) string {
	if step == 1 && utf8.RuneCountInString(s) == len(s) {
		return s[start : start+count]
	}
	rs := []rune(s)
	out := make([]rune, count)
	for i := range out {
		out[i] = rs[start+i*step]
	}
	return string(out)
}

// indices resolves the slice for a sequence of n elements.
func (k sliceKey) indices(n int) (start, step, count int, err error) {
	step = 1
	if k.step != nil {
		if step, err = sliceIndex(k.step); err != nil {
			return 0, 0, 0, err
		}
		if step == 0 {
			return 0, 0, 0, errors.New("slice step cannot be zero")
		}
	}
	low, high := 0, n
	if step < 0 {
		low, high = -1, n-1
	}
	bound := func(v any, def int) (int, error) {
		if v == nil {
			return def, nil
		}
		i, err := sliceIndex(v)
		if i < 0 {
			i += n
		}
		return min(max(i, low), high), err
	}
	first, last := low, high
	if step < 0 {
		first, last = high, low
	}
	if start, err = bound(k.start, first); err != nil {
		return 0, 0, 0, err
	}
	stop, err := bound(k.stop, last)
	if err != nil {
		return 0, 0, 0, err
	}
	switch {
	case step > 0 && start < stop:
		count = (stop-start-1)/step + 1
	case step < 0 && start > stop:
		count = (start-stop-1)/-step + 1
	default:
		start = max(start, 0)
	}
	return start, step, count, nil
}

func sliceIndex(v any) (int, error) {
	if b, ok := v.(*big.Int); ok {
		return b.Sign() * math.MaxInt32, nil
	}
	i, ok := asInt(v)
	if !ok {
		return 0, errType("slice indices must be integers or None")
	}
	return int(min(max(i, -math.MaxInt32), math.MaxInt32)), nil
}
