package jinja

import (
	"fmt"
	"math/big"
)

// A value is a Go any that holds one of:
//
//	nil                     None
//	bool                    bool
//	int64, *big.Int         int; a *big.Int only where int64 is too small
//	float64                 float
//	string                  str, indexed by code point
//	*List, Tuple            list, tuple
//	*Dict, *Set             dict and set in insertion order
//	*Undefined              a name or key that is not there
//	Callable                what can be called
//	Object, or anything     an object of the caller
//
// FromGo makes values from other Go types.

// List is a Python list. It is not safe for concurrent change.
type List struct{ Items []any }

// NewList returns a list of items, which it owns from then on.
func NewList(items ...any) *List { return &List{items} }

// Tuple is a Python tuple. Its elements must not be changed.
type Tuple []any

// Object is a value with attributes of its own. Methods are attributes that
// are Callable. An object that implements fmt.Stringer renders as that text;
// further abilities are the interfaces Indexer, Sequence, Truther and Equaler.
type Object interface {
	GetAttr(name string) (any, bool)
}

// Indexer is an object that x[key] asks before its attributes.
type Indexer interface {
	GetItem(key any) (any, bool)
}

// Sequence is an object that loops and len() understand.
type Sequence interface {
	Elements() []any
}

// Truther is an object that decides whether it counts as true.
type Truther interface {
	Truth() bool
}

// Equaler is an object that decides what it equals.
type Equaler interface {
	Equal(other any) bool
}

// Undefined stands for a name, key or argument that is not there. It renders
// as nothing, is false and empty, and fails at any other use; a strict one
// (Options.StrictUndefined) fails at every use but the tests "is defined" and
// "is undefined" and the default filter.
type Undefined struct {
	hint   string
	strict bool
}

// NewUndefined returns a lenient undefined value; hint says what is missing,
// as in "'x' is undefined", and is the error of its use.
func NewUndefined(hint string) *Undefined { return &Undefined{hint: hint} }

// Err returns the error that a use of u that is not allowed ends in.
func (u *Undefined) Err() error { return &undefinedError{u.hint} }

func (u *Undefined) strictErr() error {
	if u.strict {
		return u.Err()
	}
	return nil
}

type undefinedError struct{ msg string }

func (e *undefinedError) Error() string { return e.msg }

// missing is the value of an optional argument that was not given.
type missing struct{}

// Missing is what Call.Unpack returns for an optional argument that was not
// given.
var Missing any = missing{}

// typeName returns the Python name of v's type.
func typeName(v any) string {
	switch v := v.(type) {
	case nil:
		return "NoneType"
	case bool:
		return "bool"
	case int64, *big.Int:
		return "int"
	case float64:
		return "float"
	case string:
		return "str"
	case *List:
		return "list"
	case Tuple:
		return "tuple"
	case *Dict:
		return "dict"
	case *Set:
		return "set"
	case *Undefined:
		return "Undefined"
	case interface{ typeName() string }:
		return v.typeName()
	case Callable:
		return "function"
	}
	return fmt.Sprintf("%T", v)
}

// typeRepr is typeName as messages about attributes spell it.
func typeRepr(v any) string {
	if v == nil {
		return "None"
	}
	return typeName(v) + " object"
}

func errType(format string, args ...any) error { return fmt.Errorf(format, args...) }

// Truth reports whether v counts as true: not None, false, 0, "", empty or
// undefined.
func Truth(v any) bool {
	switch v := v.(type) {
	case nil:
		return false
	case bool:
		return v
	case int64:
		return v != 0
	case float64:
		return v != 0
	case string:
		return v != ""
	case *List:
		return len(v.Items) > 0
	case Tuple:
		return len(v) > 0
	case *Dict:
		return v.Len() > 0
	case *Set:
		return v.Len() > 0
	case *view:
		return v.dict.Len() > 0
	case *rangeValue:
		return v.len() > 0
	case *Undefined:
		return false
	case Truther:
		return v.Truth()
	case Sequence:
		return len(v.Elements()) > 0
	}
	return true
}
