package jinja

import (
	"cmp"
	"errors"
	"math"
	"math/big"
)

func absFilter(c *Call) (any, error) {
	a, err := c.Unpack("abs", "x")
	if err != nil {
		return nil, err
	}
	switch v := a[0].(type) {
	case *Undefined:
		return nil, v.Err()
	case float64:
		return math.Abs(v), nil
	}
	n, ok := asBig(a[0])
	if !ok {
		return nil, errType("bad operand type for abs(): '%s'", typeName(a[0]))
	}
	return normInt(new(big.Int).Abs(n)), nil
}

func floatFilter(c *Call) (any, error) {
	a, err := c.Unpack("float", "value", "default?")
	if err != nil {
		return nil, err
	}
	def := or(a[1], 0.0)
	switch v := a[0].(type) {
	case *Undefined:
		return nil, v.Err()
	case string:
		if f, ok := parseFloat(v); ok {
			return f, nil
		}
		return def, nil
	}
	f, err := asFloat(a[0])
	if err != nil {
		return def, nil //nolint:nilerr // what is no number gives the default
	}
	return f, nil
}

func intFilter(c *Call) (any, error) {
	a, err := c.Unpack("int", "value", "default?", "base?")
	if err != nil {
		return nil, err
	}
	def := or(a[1], int64(0))
	base, err := wantInt(a[2], 10)
	if err != nil {
		return nil, err
	}
	switch v := a[0].(type) {
	case *Undefined:
		return nil, v.Err()
	case string:
		if n, ok := parseInt(v, base); ok {
			return n, nil
		}
		f, ok := parseFloat(v)
		if !ok || math.IsInf(f, 0) || math.IsNaN(f) {
			return def, nil
		}
		return truncate(f), nil
	case float64:
		if math.IsInf(v, 0) || math.IsNaN(v) {
			return def, nil
		}
		return truncate(v), nil
	}
	n, ok := asBig(a[0])
	if !ok {
		return def, nil
	}
	return normInt(n), nil
}

func roundFilter(c *Call) (any, error) {
	a, err := c.Unpack("round", "value", "precision?", "method?")
	if err != nil {
		return nil, err
	}
	if u, ok := a[0].(*Undefined); ok {
		return nil, u.Err()
	}
	precision, err := wantInt(a[1], 0)
	if err != nil {
		return nil, err
	}
	if !isNumber(a[0]) {
		return nil, errType("type %s doesn't define __round__ method", typeName(a[0]))
	}
	var fn func(float64) float64
	switch or(a[2], "common") {
	case "common":
		return roundNumber(a[0], int64(precision)), nil
	case "ceil":
		fn = math.Ceil
	case "floor":
		fn = math.Floor
	default:
		return nil, errors.New("method must be common, ceil or floor")
	}
	f, err := asFloat(a[0])
	if err != nil {
		return nil, err
	}
	f = fn(f * math.Pow(10, float64(precision)))
	if math.IsInf(f, 0) || math.IsNaN(f) {
		return nil, errors.New("cannot convert float infinity or nan to integer")
	}
	if precision == 0 {
		return f, nil
	}
	return f / math.Pow(10, float64(precision)), nil
}

func roundNumber(v any, precision int64) any {
	if f, ok := v.(float64); ok {
		return roundFloat(f, precision)
	}
	n, _ := asBig(v)
	if precision >= 0 {
		return normInt(n)
	}
	if -precision > int64(n.BitLen()) {
		return int64(0)
	}
	pow := new(big.Int).Exp(big.NewInt(10), big.NewInt(-precision), nil)
	r := roundRat(new(big.Rat).SetFrac(n, pow))
	return normInt(new(big.Int).Mul(r.Num(), pow))
}

func sumFilter(c *Call) (any, error) {
	a, err := c.Unpack("sum", "iterable", "attribute?", "start?")
	if err != nil {
		return nil, err
	}
	b := c.budget()
	items, err := b.collect(a[0])
	if err != nil {
		return nil, err
	}
	get, err := c.getter(or(a[1], nil))
	if err != nil {
		return nil, err
	}
	total := or(a[2], int64(0))
	if _, ok := total.(string); ok {
		return nil, errType("sum() can't sum strings")
	}
	for _, it := range items {
		if it, err = get(it); err != nil {
			return nil, err
		}
		if total, err = b.binary("+", total, it); err != nil {
			return nil, err
		}
	}
	return total, nil
}

// extreme is min or max: want is the sign of an item that wins.
func extreme(name string, want int) Func {
	return func(c *Call) (any, error) {
		a, err := c.Unpack(name, "value", "case_sensitive?", "attribute?")
		if err != nil {
			return nil, err
		}
		items, err := c.budget().collect(a[0])
		if err != nil {
			return nil, err
		}
		if len(items) == 0 {
			return c.frame.undefined("No aggregated item, sequence was empty."), nil
		}
		get, err := c.getter(or(a[2], nil))
		if err != nil {
			return nil, err
		}
		fold := !Truth(or(a[1], false))
		best := items[0]
		bestKey, err := get(best)
		if err != nil {
			return nil, err
		}
		for _, it := range items[1:] {
			k, err := get(it)
			if err != nil {
				return nil, err
			}
			r, err := c.budget().order(map[int]string{-1: "<", 1: ">"}[want], foldCase(k, fold), foldCase(bestKey, fold), 0)
			if err != nil {
				return nil, err
			}
			if cmp.Compare(r, 0) == want && r != 2 {
				best, bestKey = it, k
			}
		}
		return best, nil
	}
}
