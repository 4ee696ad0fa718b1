package jinja

import (
	"errors"
	"math"
	"math/big"
	"strconv"
	"strings"
)

var errZeroDivision = errors.New("division by zero")

// normInt returns i as int64 where it fits.
func normInt(i *big.Int) any {
	if i.IsInt64() {
		return i.Int64()
	}
	return i
}

// asBig returns an int or bool as a big.Int, which the caller must not change.
func asBig(v any) (*big.Int, bool) {
	switch v := v.(type) {
	case int64:
		return big.NewInt(v), true
	case bool:
		if v {
			return big.NewInt(1), true
		}
		return big.NewInt(0), true
	case *big.Int:
		return v, true
	}
	return nil, false
}

// asInt returns an int or bool that fits int64.
func asInt(v any) (int64, bool) {
	switch v := v.(type) {
	case int64:
		return v, true
	case bool:
		if v {
			return 1, true
		}
		return 0, true
	}
	return 0, false
}

func isNumber(v any) bool {
	switch v.(type) {
	case bool, int64, *big.Int, float64:
		return true
	}
	return false
}

// asFloat returns a number as float64; an int that is too large fails.
func asFloat(v any) (float64, error) {
	switch v := v.(type) {
	case float64:
		return v, nil
	case *big.Int:
		f, _ := new(big.Float).SetInt(v).Float64()
		if math.IsInf(f, 0) {
			return 0, errors.New("int too large to convert to float")
		}
		return f, nil
	}
	n, ok := asInt(v)
	if !ok {
		return 0, errType("must be real number, not %s", typeName(v))
	}
	return float64(n), nil
}

// floatToInt returns a float without fraction as an int.
func floatToInt(f float64) (any, bool) {
	if f != math.Trunc(f) || math.IsInf(f, 0) || math.IsNaN(f) {
		return nil, false
	}
	return truncate(f), true
}

// truncate returns the integer part of a finite float.
func truncate(f float64) any {
	if math.Abs(f) < 1<<62 {
		return int64(f)
	}
	i, _ := big.NewFloat(f).Int(nil)
	return normInt(i)
}

// parseInt reads an int as Python's int(s, base) does.
func parseInt(s string, base int) (any, bool) {
	s = strings.TrimFunc(s, isSpace)
	if base != 0 && (base < 2 || base > 36) || strings.HasPrefix(s, "_") || strings.HasSuffix(s, "_") || strings.Contains(s, "__") || len(s) > 4400 {
		return nil, false
	}
	digits, sign := s, ""
	if s != "" && (s[0] == '-' || s[0] == '+') {
		sign, digits = s[:1], s[1:]
	}
	if len(digits) > 2 && digits[0] == '0' {
		want := map[byte]int{'x': 16, 'o': 8, 'b': 2}[digits[1]|0x20]
		if want != 0 && (base == want || base == 0) {
			digits, base = strings.TrimPrefix(digits[2:], "_"), want
		}
	}
	if base == 0 {
		if len(digits) > 1 && digits[0] == '0' && strings.Trim(digits, "0_") != "" {
			return nil, false
		}
		base = 10
	}
	digits = strings.ReplaceAll(digits, "_", "")
	if digits == "" || digits[0] == '-' || digits[0] == '+' {
		return nil, false
	}
	i, ok := new(big.Int).SetString(sign+digits, base)
	if !ok {
		return nil, false
	}
	return normInt(i), true
}

// parseFloat reads a float as Python's float(s) does.
func parseFloat(s string) (float64, bool) {
	s = strings.TrimFunc(s, isSpace)
	if strings.HasPrefix(s, "_") || strings.HasSuffix(s, "_") || strings.Contains(s, "__") || strings.ContainsAny(s, "xXpP") {
		return 0, false
	}
	f, err := strconv.ParseFloat(strings.ReplaceAll(s, "_", ""), 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return 0, false
	}
	return f, true
}

// formatFloat returns Python's repr of f.
func formatFloat(f float64) string {
	switch {
	case math.IsInf(f, 1):
		return "inf"
	case math.IsInf(f, -1):
		return "-inf"
	case math.IsNaN(f):
		return "nan"
	}
	if a := math.Abs(f); a != 0 && (a < 1e-4 || a >= 1e16) {
		return strconv.FormatFloat(f, 'e', -1, 64)
	}
	s := strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.ContainsRune(s, '.') {
		s += ".0"
	}
	return s
}

// roundFloat rounds to the nearest value with n decimals, as Python does.
func roundFloat(f float64, n int64) float64 {
	if math.IsInf(f, 0) || math.IsNaN(f) || n > 330 {
		return f
	}
	if n < -330 {
		return math.Copysign(0, f)
	}
	if n >= 0 {
		r, _ := strconv.ParseFloat(strconv.FormatFloat(f, 'f', int(n), 64), 64)
		return r
	}
	exact, _ := new(big.Float).SetPrec(2000).SetFloat64(f).Rat(nil)
	pow := new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(-n), nil))
	r, _ := new(big.Rat).Mul(roundRat(exact.Quo(exact, pow)), pow).Float64()
	return r
}

// roundRat rounds to the nearest integer, halves to even.
func roundRat(r *big.Rat) *big.Rat {
	q, m := new(big.Int).DivMod(r.Num(), r.Denom(), new(big.Int))
	switch c := m.Lsh(m, 1).Cmp(r.Denom()); {
	case c > 0, c == 0 && q.Bit(0) == 1:
		q.Add(q, big.NewInt(1))
	}
	return new(big.Rat).SetInt(q)
}
