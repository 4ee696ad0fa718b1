package jinja

import (
	"context"
	"math"
	"math/big"
	"reflect"
	"strings"
)

// Equal reports whether a == b holds in a template. Values that are nested
// too deeply count as different.
func Equal(a, b any) bool {
	eq, err := newBudget(context.Background(), Limits{}).equal(a, b, 0)
	return err == nil && eq
}

func (b *budget) equal(x, y any, depth int) (bool, error) {
	if depth > maxNesting {
		return false, errNesting
	}
	if isNumber(x) && isNumber(y) {
		return compareNumbers(x, y) == 0, nil
	}
	switch x := x.(type) {
	case nil:
		return y == nil, nil
	case string:
		s, ok := y.(string)
		return ok && s == x, nil
	case *Undefined:
		_, ok := y.(*Undefined)
		return ok, x.strictErr()
	case *List:
		l, ok := y.(*List)
		if !ok || len(l.Items) != len(x.Items) {
			return false, nil
		}
		if l == x {
			return true, nil
		}
		return b.equalItems(x.Items, l.Items, depth)
	case Tuple:
		t, ok := y.(Tuple)
		if !ok || len(t) != len(x) {
			return false, nil
		}
		return b.equalItems(x, t, depth)
	case *Dict:
		d, ok := y.(*Dict)
		if !ok || d.Len() != x.Len() {
			return false, nil
		}
		if d == x {
			return true, nil
		}
		return b.equalDicts(x, d, depth)
	case *Set:
		s, ok := y.(*Set)
		return ok && s.Len() == x.Len() && s.without(x).Len() == 0, nil
	case Equaler:
		return x.Equal(y), nil
	}
	if e, ok := y.(Equaler); ok {
		return e.Equal(x), nil
	}
	return sameObject(x, y), nil
}

func (b *budget) equalItems(x, y []any, depth int) (bool, error) {
	if err := b.step(len(x)); err != nil {
		return false, err
	}
	for i := range x {
		if eq, err := b.equal(x[i], y[i], depth+1); !eq || err != nil {
			return false, err
		}
	}
	return true, nil
}

func (b *budget) equalDicts(x, y *Dict, depth int) (bool, error) {
	if err := b.step(x.Len()); err != nil {
		return false, err
	}
	for k, v := range x.All() {
		w, ok := y.Get(k)
		if !ok {
			return false, nil
		}
		if eq, err := b.equal(v, w, depth+1); !eq || err != nil {
			return false, err
		}
	}
	return true, nil
}

// sameObject is Python's "is" for objects.
func sameObject(x, y any) bool {
	if x == nil || y == nil {
		return x == nil && y == nil
	}
	vx, vy := reflect.ValueOf(x), reflect.ValueOf(y)
	if vx.Type() != vy.Type() {
		return false
	}
	if vx.Kind() == reflect.Func || vx.Kind() == reflect.Slice || vx.Kind() == reflect.Map {
		return vx.Pointer() == vy.Pointer()
	}
	return vx.Comparable() && vy.Comparable() && x == y
}

// compareNumbers returns the sign of x - y, or 2 where one is NaN. It never
// rounds: an int beyond 2^53 is compared exactly with a float.
func compareNumbers(x, y any) int {
	a, xInt := asInt(x)
	b, yInt := asInt(y)
	if xInt && yInt {
		switch {
		case a < b:
			return -1
		case a > b:
			return 1
		}
		return 0
	}
	fx, xFloat := x.(float64)
	fy, yFloat := y.(float64)
	if xFloat && math.IsNaN(fx) || yFloat && math.IsNaN(fy) {
		return 2
	}
	return exact(x).Cmp(exact(y))
}

func exact(v any) *big.Float {
	if f, ok := v.(float64); ok {
		return big.NewFloat(f)
	}
	n, _ := asBig(v)
	return new(big.Float).SetPrec(uint(max(n.BitLen(), 64))).SetInt(n)
}

// order returns the sign of x compared to y, or 2 where neither order holds.
func (b *budget) order(op string, x, y any, depth int) (int, error) {
	if depth > maxNesting {
		return 0, errNesting
	}
	for _, v := range []any{x, y} {
		if u, ok := v.(*Undefined); ok {
			return 0, u.Err()
		}
	}
	if isNumber(x) && isNumber(y) {
		return compareNumbers(x, y), nil
	}
	switch x := x.(type) {
	case string:
		if y, ok := y.(string); ok {
			return strings.Compare(x, y), nil
		}
	case *List:
		if y, ok := y.(*List); ok {
			return b.orderItems(op, x.Items, y.Items, depth)
		}
	case Tuple:
		if y, ok := y.(Tuple); ok {
			return b.orderItems(op, x, y, depth)
		}
	case *Set:
		if y, ok := y.(*Set); ok {
			return orderSets(x, y), nil
		}
	}
	return 0, errType("'%s' not supported between instances of '%s' and '%s'", op, typeName(x), typeName(y))
}

func orderSets(x, y *Set) int {
	onlyX, onlyY := x.without(y).Len(), y.without(x).Len()
	switch {
	case onlyX == 0 && onlyY == 0:
		return 0
	case onlyX == 0:
		return -1
	case onlyY == 0:
		return 1
	}
	return 2
}

func (b *budget) orderItems(op string, x, y []any, depth int) (int, error) {
	n := min(len(x), len(y))
	if err := b.step(n); err != nil {
		return 0, err
	}
	for i := range n {
		eq, err := b.equal(x[i], y[i], depth+1)
		if err != nil {
			return 0, err
		}
		if !eq {
			return b.order(op, x[i], y[i], depth+1)
		}
	}
	return compareNumbers(int64(len(x)), int64(len(y))), nil
}

// compare computes x op y for the comparison operators.
func (b *budget) compare(op string, x, y any) (bool, error) {
	switch op {
	case "==":
		return b.equal(x, y, 0)
	case "!=":
		eq, err := b.equal(x, y, 0)
		return !eq, err
	case "in":
		return b.contains(y, x)
	case "not in":
		in, err := b.contains(y, x)
		return !in, err
	}
	c, err := b.order(op, x, y, 0)
	if err != nil {
		return false, err
	}
	switch op {
	case "<":
		return c == -1, nil
	case "<=":
		return c == -1 || c == 0, nil
	case ">":
		return c == 1, nil
	}
	return c == 1 || c == 0, nil
}
