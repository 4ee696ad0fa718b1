package jinja

import (
	"errors"
	"math"
	"math/big"
	"strings"
)

// binary computes a op b for the arithmetic operators.
func (b *budget) binary(op string, x, y any) (any, error) {
	if s, ok := x.(string); ok && op == "%" {
		return b.percent(s, y)
	}
	for _, v := range [2]any{x, y} {
		if u, ok := v.(*Undefined); ok {
			return nil, u.Err()
		}
	}
	if isNumber(x) && isNumber(y) {
		return arith(op, x, y)
	}
	switch op {
	case "+":
		return b.concat(x, y)
	case "*":
		if isBig(x) || isBig(y) {
			return nil, errors.New("cannot fit 'int' into an index-sized integer")
		}
		if n, ok := asInt(y); ok {
			return b.repeat(x, n)
		}
		if n, ok := asInt(x); ok {
			return b.repeat(y, n)
		}
	case "-":
		if s, ok := x.(*Set); ok {
			if t, ok := y.(*Set); ok {
				return s.without(t), nil
			}
		}
	}
	return nil, unsupported(op, x, y)
}

func isBig(v any) bool { _, ok := v.(*big.Int); return ok }

func unsupported(op string, x, y any) error {
	if op == "**" {
		op = "** or pow()"
	}
	return errType("unsupported operand type(s) for %s: '%s' and '%s'", op, typeName(x), typeName(y))
}

func (s *Set) without(t *Set) *Set {
	r := &Set{NewDict()}
	for k := range s.dict.All() {
		if !t.Has(k) {
			_ = r.dict.Set(k, nil) // it was hashed before
		}
	}
	return r
}

func (b *budget) concat(x, y any) (any, error) {
	switch x := x.(type) {
	case string:
		y, ok := y.(string)
		if !ok {
			return nil, unsupported("+", x, y)
		}
		return x + y, b.alloc(len(x) + len(y))
	case *List:
		if y, ok := y.(*List); ok {
			if err := b.list(len(x.Items) + len(y.Items)); err != nil {
				return nil, err
			}
			return NewList(append(append(make([]any, 0, len(x.Items)+len(y.Items)), x.Items...), y.Items...)...), nil
		}
	case Tuple:
		if y, ok := y.(Tuple); ok {
			if err := b.list(len(x) + len(y)); err != nil {
				return nil, err
			}
			return append(append(make(Tuple, 0, len(x)+len(y)), x...), y...), nil
		}
	}
	return nil, unsupported("+", x, y)
}

func (b *budget) repeat(x any, n int64) (any, error) {
	n = max(n, 0)
	items := 0
	switch x := x.(type) {
	case string:
		if n > 0 && int64(len(x)) > b.lim.Memory/n {
			return nil, b.alloc(-1)
		}
		return strings.Repeat(x, int(n)), b.alloc(len(x) * int(n))
	case *List:
		items = len(x.Items)
	case Tuple:
		items = len(x)
	default:
		return nil, unsupported("*", x, n)
	}
	if n > 0 && int64(items) > int64(b.lim.Steps)/n {
		return nil, b.step(-1)
	}
	if err := b.list(items * int(n)); err != nil {
		return nil, err
	}
	if items == 0 {
		n = 0
	}
	out := make([]any, 0, items*int(n))
	for range n {
		switch x := x.(type) {
		case *List:
			out = append(out, x.Items...)
		case Tuple:
			out = append(out, x...)
		}
	}
	if _, ok := x.(Tuple); ok {
		return Tuple(out), nil
	}
	return NewList(out...), nil
}

// arith computes on two numbers.
func arith(op string, x, y any) (any, error) {
	_, fx := x.(float64)
	_, fy := y.(float64)
	if fx || fy {
		return floatArith(op, x, y)
	}
	if a, ok := asInt(x); ok {
		if b, ok := asInt(y); ok {
			if v, ok := smallArith(op, a, b); ok {
				return v, nil
			}
		}
	}
	a, _ := asBig(x)
	b, _ := asBig(y)
	return bigArith(op, a, b)
}

// smallArith computes what cannot overflow; false sends the rest to bigArith.
func smallArith(op string, a, b int64) (any, bool) {
	const half = 1 << 31
	switch op {
	case "+":
		c := a + b
		return c, (c > a) == (b > 0)
	case "-":
		c := a - b
		return c, (c < a) == (b > 0)
	case "*":
		return a * b, a > -half && a < half && b > -half && b < half
	case "//":
		if b == 0 || b == -1 {
			return nil, false
		}
		q := a / b
		if a%b != 0 && (a < 0) != (b < 0) {
			q--
		}
		return q, true
	case "%":
		if b == 0 || b == -1 {
			return nil, false
		}
		m := a % b
		if m != 0 && (m < 0) != (b < 0) {
			m += b
		}
		return m, true
	}
	return nil, false
}

func bigArith(op string, a, b *big.Int) (any, error) {
	if a.BitLen() > maxBits || b.BitLen() > maxBits {
		return nil, errBits
	}
	r := new(big.Int)
	switch op {
	case "+":
		r.Add(a, b)
	case "-":
		r.Sub(a, b)
	case "*":
		r.Mul(a, b)
	case "/":
		return bigTrueDiv(a, b)
	case "//", "%":
		if b.Sign() == 0 {
			return nil, errZeroDivision
		}
		m := new(big.Int)
		r.QuoRem(a, b, m)
		if m.Sign() != 0 && m.Sign() != b.Sign() {
			r.Sub(r, big.NewInt(1))
			m.Add(m, b)
		}
		if op == "%" {
			r = m
		}
	case "**":
		if b.Sign() < 0 {
			return floatArith(op, normInt(a), normInt(b))
		}
		if a.BitLen() > 1 && (!b.IsInt64() || b.Int64() > maxBits/int64(a.BitLen()-1)) {
			return nil, errBits
		}
		if a.BitLen() <= 1 { // -1, 0, 1: only the parity of b counts
			b = big.NewInt(int64(b.Bit(0)) + int64(min(b.Sign(), 1))*2)
		}
		r.Exp(a, b, nil)
	}
	if r.BitLen() > maxBits {
		return nil, errBits
	}
	return normInt(r), nil
}

func bigTrueDiv(a, b *big.Int) (any, error) {
	if b.Sign() == 0 {
		return nil, errZeroDivision
	}
	f, _ := new(big.Rat).SetFrac(a, b).Float64()
	if math.IsInf(f, 0) {
		return nil, errors.New("integer division result too large for a float")
	}
	return f, nil
}

func floatArith(op string, x, y any) (any, error) {
	a, err := asFloat(x)
	if err != nil {
		return nil, err
	}
	b, err := asFloat(y)
	if err != nil {
		return nil, err
	}
	switch op {
	case "+":
		return a + b, nil
	case "-":
		return a - b, nil
	case "*":
		return a * b, nil
	case "**":
		return floatPow(a, b)
	}
	if b == 0 {
		return nil, errZeroDivision
	}
	if op == "/" {
		return a / b, nil
	}
	m := math.Mod(a, b)
	if m != 0 && (m < 0) != (b < 0) {
		m += b
	}
	if op == "%" {
		if m == 0 {
			m = math.Copysign(0, b)
		}
		return m, nil
	}
	q := (a - m) / b
	if f := math.Floor(q); q-f > 0.5 {
		return f + 1, nil
	}
	return math.Floor(q), nil
}

func floatPow(a, b float64) (any, error) {
	if a == 0 && b < 0 {
		return nil, errors.New("0.0 cannot be raised to a negative power")
	}
	if a < 0 && b != math.Trunc(b) && !math.IsInf(b, 0) && !math.IsNaN(b) {
		return nil, errors.New("a negative number to a fractional power is complex")
	}
	r := math.Pow(a, b)
	if math.IsInf(r, 0) && !math.IsInf(a, 0) && !math.IsInf(b, 0) {
		return nil, errors.New("float power is out of range")
	}
	return r, nil
}

// negate computes -v, or +v where plus is set.
func negate(v any, plus bool) (any, error) {
	sign := "-"
	if plus {
		sign = "+"
	}
	switch v := v.(type) {
	case *Undefined:
		return nil, v.Err()
	case float64:
		if plus {
			return v, nil
		}
		return -v, nil
	}
	n, ok := asBig(v)
	if !ok {
		return nil, errType("bad operand type for unary %s: '%s'", sign, typeName(v))
	}
	if plus {
		return normInt(n), nil
	}
	return normInt(new(big.Int).Neg(n)), nil
}
