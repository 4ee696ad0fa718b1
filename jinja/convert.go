package jinja

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"reflect"
	"slices"
	"strings"
)

// FromGo returns v as a template value. Maps become dicts with sorted keys;
// slices of structs with the fields Key and Value, as ordered YAML maps are,
// become dicts in their order; other slices lists. Pointers are followed,
// json.Number is a number. What is none of these is an object and stays as it
// is; so does what is nested too deeply.
func FromGo(v any) any { return fromGo(v, 0) }

func fromGo(v any, depth int) any {
	switch v := v.(type) {
	case nil, bool, int64, float64, string, *List, Tuple, *Dict, *Set, *Undefined, Callable, Object:
		return v
	case int:
		return int64(v)
	case *big.Int:
		return normInt(v)
	case json.Number:
		if n, ok := parseInt(v.String(), 10); ok {
			return n
		}
		f, _ := v.Float64()
		return f
	case []byte:
		return string(v)
	}
	if _, ok := v.(fmt.Stringer); ok || depth > maxNesting {
		return v
	}
	return fromReflect(reflect.ValueOf(v), v, depth)
}

func fromReflect(r reflect.Value, v any, depth int) any {
	switch r.Kind() {
	case reflect.Bool:
		return r.Bool()
	case reflect.String:
		return r.String()
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return r.Int()
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		if n := r.Uint(); n > math.MaxInt64 {
			return new(big.Int).SetUint64(n)
		}
		return int64(r.Uint())
	case reflect.Float32, reflect.Float64:
		return r.Float()
	case reflect.Pointer:
		if r.IsNil() {
			return nil
		}
		if r.Elem().Kind() != reflect.Struct {
			return fromGo(r.Elem().Interface(), depth+1)
		}
	case reflect.Slice, reflect.Array:
		if isPair(r.Type().Elem()) {
			return fromPairs(r, depth)
		}
		l := NewList()
		for i := range r.Len() {
			l.Items = append(l.Items, fromGo(r.Index(i).Interface(), depth+1))
		}
		return l
	case reflect.Map:
		return fromMap(r, depth)
	}
	return v
}

func isPair(t reflect.Type) bool {
	return t.Kind() == reflect.Struct && t.NumField() == 2 && t.Field(0).Name == "Key" && t.Field(1).Name == "Value"
}

func fromPairs(r reflect.Value, depth int) any {
	d := NewDict()
	for i := range r.Len() {
		p := r.Index(i)
		_ = d.Set(keyFromGo(p.Field(0), depth), fromGo(p.Field(1).Interface(), depth+1))
	}
	return d
}

// keyFromGo returns a key that can be hashed: a YAML key that is a list is
// its text.
func keyFromGo(r reflect.Value, depth int) any {
	k := fromGo(r.Interface(), depth+1)
	if _, err := hashKey(k, 0); err != nil {
		return Str(k)
	}
	return k
}

func fromMap(r reflect.Value, depth int) any {
	keys := r.MapKeys()
	slices.SortFunc(keys, func(a, b reflect.Value) int {
		return strings.Compare(fmt.Sprint(a.Interface()), fmt.Sprint(b.Interface()))
	})
	d := NewDict()
	for _, k := range keys {
		_ = d.Set(keyFromGo(k, depth), fromGo(r.MapIndex(k).Interface(), depth+1))
	}
	return d
}

// ToGo returns v as plain Go: None and undefined are nil, lists, tuples and
// sets []any, dicts map[string]any with the text of their keys. Ints that do
// not fit int64 stay *big.Int. What is nested too deeply, or contains itself,
// is nil there.
func ToGo(v any) any { return toGo(v, 0) }

func toGo(v any, depth int) any {
	if depth > maxNesting {
		return nil
	}
	switch v := v.(type) {
	case *Undefined:
		return nil
	case *List:
		return toGoSlice(v.Items, depth)
	case Tuple:
		return toGoSlice(v, depth)
	case *Dict:
		m := make(map[string]any, v.Len())
		for k, el := range v.All() {
			m[Str(k)] = toGo(el, depth+1)
		}
		return m
	case *namespace:
		return toGo(v.vars, depth)
	case *Set, *view, *rangeValue, *generator:
		items, err := newBudget(context.Background(), Limits{}).collect(v)
		if err != nil {
			return nil
		}
		return toGoSlice(items, depth)
	}
	return v
}

func toGoSlice(items []any, depth int) []any {
	out := make([]any, len(items))
	for i, it := range items {
		out[i] = toGo(it, depth+1)
	}
	return out
}
