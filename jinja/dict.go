package jinja

import (
	"encoding/binary"
	"iter"
	"math"
	"math/big"
	"reflect"
	"strings"
)

// Dict is a Python dict: it keeps the order of insertion, and 1, 1.0 and True
// are the same key. It is not safe for concurrent change; reading is.
type Dict struct {
	index   map[any]int
	entries []entry
}

type entry struct {
	key, val any
	gone     bool
}

// NewDict returns an empty dict.
func NewDict() *Dict { return &Dict{index: map[any]int{}} }

// DictOf returns a dict of pairs, which alternate key and value. It is meant
// for literals in Go code: a key that cannot be hashed is left out.
func DictOf(pairs ...any) *Dict {
	d := NewDict()
	for i := 0; i+1 < len(pairs); i += 2 {
		_ = d.Set(pairs[i], pairs[i+1])
	}
	return d
}

// Len returns the number of keys.
func (d *Dict) Len() int { return len(d.index) }

// Get returns the value of key.
func (d *Dict) Get(key any) (any, bool) {
	h, err := hashKey(key, 0)
	if err != nil {
		return nil, false
	}
	i, ok := d.index[h]
	if !ok {
		return nil, false
	}
	return d.entries[i].val, true
}

// Set puts val at key; a new key goes last. It fails if the key cannot be
// hashed, as a list cannot.
func (d *Dict) Set(key, val any) error {
	h, err := hashKey(key, 0)
	if err != nil {
		return err
	}
	if i, ok := d.index[h]; ok {
		d.entries[i].val = val
		return nil
	}
	d.index[h] = len(d.entries)
	d.entries = append(d.entries, entry{key: key, val: val})
	return nil
}

// Delete removes key and reports whether it was there.
func (d *Dict) Delete(key any) bool {
	h, err := hashKey(key, 0)
	if err != nil {
		return false
	}
	i, ok := d.index[h]
	if !ok {
		return false
	}
	delete(d.index, h)
	d.entries[i] = entry{gone: true}
	if len(d.entries) > 16 && len(d.index) < len(d.entries)/2 {
		d.compact()
	}
	return true
}

func (d *Dict) compact() {
	kept := make([]entry, 0, len(d.index))
	for _, e := range d.entries {
		if e.gone {
			continue
		}
		h, _ := hashKey(e.key, 0)
		d.index[h] = len(kept)
		kept = append(kept, e)
	}
	d.entries = kept
}

// All yields keys and values in order. The dict must not change meanwhile.
func (d *Dict) All() iter.Seq2[any, any] {
	return func(yield func(any, any) bool) {
		for _, e := range d.entries {
			if !e.gone && !yield(e.key, e.val) {
				return
			}
		}
	}
}

// Copy returns a dict with the same keys and values.
func (d *Dict) Copy() *Dict {
	c := &Dict{index: make(map[any]int, len(d.index))}
	for k, v := range d.All() {
		_ = c.Set(k, v) // it was hashed before
	}
	return c
}

func (d *Dict) keys() []any {
	keys := make([]any, 0, d.Len())
	for k := range d.All() {
		keys = append(keys, k)
	}
	return keys
}

// Set is a Python set that remembers the order of insertion.
type Set struct{ dict *Dict }

// NewSet returns a set of items. It fails at an item that cannot be hashed.
func NewSet(items ...any) (*Set, error) {
	s := &Set{NewDict()}
	for _, it := range items {
		if err := s.dict.Set(it, nil); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// Len returns the number of elements.
func (s *Set) Len() int { return s.dict.Len() }

// Has reports whether v is in s.
func (s *Set) Has(v any) bool { _, ok := s.dict.Get(v); return ok }

// Elements returns the elements in the order of insertion.
func (s *Set) Elements() []any { return s.dict.keys() }

type (
	bigKey       string
	tupleKey     string
	noneKey      struct{}
	undefinedKey struct{}
)

// hashKey returns a comparable Go value that is equal for equal keys.
func hashKey(v any, depth int) (any, error) {
	switch v := v.(type) {
	case string, int64:
		return v, nil
	case nil:
		return noneKey{}, nil
	case bool:
		if v {
			return int64(1), nil
		}
		return int64(0), nil
	case float64:
		if n, ok := floatToInt(v); ok {
			return hashKey(n, depth)
		}
		return v, nil
	case *big.Int:
		return bigKey(v.Text(16)), nil
	case *Undefined:
		return undefinedKey{}, v.strictErr()
	case Tuple:
		return hashTuple(v, depth)
	case *List, *Dict, *Set, *view:
		return nil, errType("unhashable type: '%s'", typeName(v))
	}
	if !reflect.ValueOf(v).Comparable() {
		return nil, errType("unhashable type: '%s'", typeName(v))
	}
	return v, nil
}

// hashTuple encodes the keys of the elements without ambiguity.
func hashTuple(t Tuple, depth int) (any, error) {
	if depth > maxNesting {
		return nil, errNesting
	}
	var b strings.Builder
	for _, el := range t {
		h, err := hashKey(el, depth+1)
		if err != nil {
			return nil, err
		}
		text := ""
		switch h := h.(type) {
		case string:
			text = "s" + h
		case int64:
			text = "i" + string(binary.BigEndian.AppendUint64(nil, uint64(h)))
		case float64:
			text = "f" + string(binary.BigEndian.AppendUint64(nil, math.Float64bits(h)))
		case bigKey:
			text = "b" + string(h)
		case tupleKey:
			text = "t" + string(h)
		case noneKey:
			text = "n"
		case undefinedKey:
			text = "u"
		default:
			return nil, errType("a tuple with '%s' cannot be a key", typeName(h))
		}
		b.Write(binary.BigEndian.AppendUint32(nil, uint32(len(text))))
		b.WriteString(text)
		if b.Len() > maxKey {
			return nil, errType("key is larger than %d bytes", maxKey)
		}
	}
	return tupleKey(b.String()), nil
}

const maxKey = 1 << 20
