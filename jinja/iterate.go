package jinja

import (
	"errors"
	"fmt"
	"math/big"
	"strings"
	"unicode/utf8"
)

// iterator yields elements until ok is false.
type iterator interface {
	next() (v any, ok bool, err error)
}

// iterate returns an iterator over v. Lists and dicts are followed as they
// change, as in Python.
func iterate(v any) (iterator, error) {
	switch v := v.(type) {
	case *List:
		return &listIter{list: v}, nil
	case Tuple:
		return &sliceIter{items: v}, nil
	case string:
		return &stringIter{s: v}, nil
	case *Dict:
		return &dictIter{dict: v, size: v.Len(), kind: viewKeys}, nil
	case *view:
		return &dictIter{dict: v.dict, size: v.dict.Len(), kind: v.kind}, nil
	case *Set:
		return &dictIter{dict: v.dict, size: v.Len(), kind: viewKeys}, nil
	case *rangeValue:
		return &rangeIter{r: v}, nil
	case *generator:
		return v, nil
	case *Undefined:
		return &sliceIter{}, v.strictErr()
	case Sequence:
		return &sliceIter{items: v.Elements()}, nil
	case iterator:
		return v, nil
	}
	return nil, errType("'%s' object is not iterable", typeName(v))
}

// collect returns the elements of v in a new slice.
func (b *budget) collect(v any) ([]any, error) {
	it, err := iterate(v)
	if err != nil {
		return nil, err
	}
	var out []any
	for {
		el, ok, err := it.next()
		if err != nil || !ok {
			return out, err
		}
		if err := b.list(1); err != nil {
			return nil, err
		}
		out = append(out, el)
	}
}

type listIter struct {
	list *List
	i    int
}

func (it *listIter) next() (any, bool, error) {
	if it.i >= len(it.list.Items) {
		return nil, false, nil
	}
	it.i++
	return it.list.Items[it.i-1], true, nil
}

type sliceIter struct{ items []any }

func (it *sliceIter) next() (any, bool, error) {
	if len(it.items) == 0 {
		return nil, false, nil
	}
	v := it.items[0]
	it.items = it.items[1:]
	return v, true, nil
}

type stringIter struct{ s string }

func (it *stringIter) next() (any, bool, error) {
	if it.s == "" {
		return nil, false, nil
	}
	_, n := utf8.DecodeRuneInString(it.s)
	c := it.s[:n]
	it.s = it.s[n:]
	return c, true, nil
}

const (
	viewKeys = iota
	viewValues
	viewItems
)

// view is what d.keys(), d.values() and d.items() return: it follows d.
type view struct {
	dict *Dict
	kind int
}

func (v *view) typeName() string {
	return [...]string{"dict_keys", "dict_values", "dict_items"}[v.kind]
}

func (v *view) repr(w *textWriter, depth int) {
	var items []any
	for it := (&dictIter{dict: v.dict, size: v.dict.Len(), kind: v.kind}); ; {
		el, ok, _ := it.next()
		if !ok {
			break
		}
		items = append(items, el)
	}
	w.items(v.typeName()+"([", items, "])", depth)
}

type dictIter struct {
	dict *Dict
	size int
	kind int
	i    int
}

var errResized = errors.New("dictionary changed size during iteration")

func (it *dictIter) next() (any, bool, error) {
	if it.dict.Len() != it.size {
		return nil, false, errResized
	}
	for it.i < len(it.dict.entries) {
		e := it.dict.entries[it.i]
		it.i++
		if e.gone {
			continue
		}
		switch it.kind {
		case viewKeys:
			return e.key, true, nil
		case viewValues:
			return e.val, true, nil
		}
		return Tuple{e.key, e.val}, true, nil
	}
	return nil, false, nil
}

// generator is what map, select and their like return: it can be read once,
// has no length, and does its work, and fails, when it is first read.
type generator struct {
	name  string
	make  func() ([]any, error) // nil once it was called
	items []any
}

func (g *generator) typeName() string { return "generator" }

func (g *generator) repr(w *textWriter, _ int) { w.put("<generator object " + g.name + ">") }

func (g *generator) next() (any, bool, error) {
	if g.make != nil {
		fill := g.make
		g.make = nil
		var err error
		if g.items, err = fill(); err != nil {
			return nil, false, err
		}
	}
	if len(g.items) == 0 {
		return nil, false, nil
	}
	v := g.items[0]
	g.items = g.items[1:]
	return v, true, nil
}

// rangeValue is range(start, stop, step).
type rangeValue struct{ start, stop, step int64 }

func (r *rangeValue) typeName() string { return "range" }

func (r *rangeValue) repr(w *textWriter, _ int) {
	w.put(fmt.Sprintf("range(%d, %d", r.start, r.stop))
	if r.step != 1 {
		w.put(fmt.Sprintf(", %d", r.step))
	}
	w.put(")")
}

// Equal holds for ranges of the same elements.
func (r *rangeValue) Equal(other any) bool {
	o, ok := other.(*rangeValue)
	if !ok || o.len() != r.len() {
		return false
	}
	return r.len() == 0 || r.start == o.start && (r.len() == 1 || r.step == o.step)
}

func (r *rangeValue) len() int {
	if r.step > 0 && r.start < r.stop {
		return int((r.stop-r.start-1)/r.step + 1)
	}
	if r.step < 0 && r.start > r.stop {
		return int((r.start-r.stop-1)/-r.step + 1)
	}
	return 0
}

func (r *rangeValue) at(i int) any { return r.start + int64(i)*r.step }

type rangeIter struct {
	r *rangeValue
	i int
}

func (it *rangeIter) next() (any, bool, error) {
	if it.i >= it.r.len() {
		return nil, false, nil
	}
	it.i++
	return it.r.at(it.i - 1), true, nil
}

// length returns len(v).
func length(v any) (int, error) {
	switch v := v.(type) {
	case string:
		return utf8.RuneCountInString(v), nil
	case *List:
		return len(v.Items), nil
	case Tuple:
		return len(v), nil
	case *Dict:
		return v.Len(), nil
	case *Set:
		return v.Len(), nil
	case *view:
		return v.dict.Len(), nil
	case *rangeValue:
		return v.len(), nil
	case *Undefined:
		return 0, v.strictErr()
	case Sequence:
		return len(v.Elements()), nil
	}
	return 0, errType("object of type '%s' has no len()", typeName(v))
}

// contains computes "needle in v".
func (b *budget) contains(v, needle any) (bool, error) {
	switch v := v.(type) {
	case string:
		s, ok := needle.(string)
		if !ok {
			if u, isUndef := needle.(*Undefined); isUndef {
				return false, u.Err()
			}
			return false, errType("'in <string>' requires string as left operand, not %s", typeName(needle))
		}
		return strings.Contains(v, s), b.step(len(v)/64 + 1)
	case *Dict:
		return inDict(v, needle)
	case *Set:
		return inDict(v.dict, needle)
	case *view:
		if v.kind == viewKeys {
			return inDict(v.dict, needle)
		}
	case *rangeValue:
		if n, ok := needle.(int64); ok {
			k := n - v.start
			return k%v.step == 0 && k/v.step >= 0 && k/v.step < int64(v.len()), nil
		}
		if _, ok := needle.(*big.Int); ok {
			return false, nil
		}
	case Indexer:
		if _, ok := v.(Sequence); !ok {
			_, found := v.GetItem(needle)
			return found, nil
		}
	}
	it, err := iterate(v)
	if err != nil {
		return false, errType("argument of type '%s' is not iterable", typeName(v))
	}
	for {
		el, ok, err := it.next()
		if err != nil || !ok {
			return false, err
		}
		if err := b.step(1); err != nil {
			return false, err
		}
		if sameObject(el, needle) {
			return true, nil
		}
		if eq, err := b.equal(el, needle, 0); eq || err != nil {
			return eq, err
		}
	}
}

func inDict(d *Dict, key any) (bool, error) {
	h, err := hashKey(key, 0)
	if err != nil {
		return false, err
	}
	_, ok := d.index[h]
	return ok, nil
}
