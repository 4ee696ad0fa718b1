package canon

import (
	"bytes"
	"errors"
	"fmt"
)

// ErrDigits says that a number has more than MaxDigits digits when it is
// written without exponent.
var ErrDigits = fmt.Errorf("number has more than %d digits", MaxDigits)

var errNumber = errors.New("malformed number")

// scanNumber returns the end of the JSON number that begins at i.
func scanNumber(s []byte, i int) (int, bool) {
	if i < len(s) && s[i] == '-' {
		i++
	}
	whole := i
	i = digits(s, i)
	if i == whole || s[whole] == '0' && i > whole+1 {
		return i, false
	}
	if i < len(s) && s[i] == '.' {
		from := i + 1
		if i = digits(s, from); i == from {
			return i, false
		}
	}
	if i < len(s) && (s[i] == 'e' || s[i] == 'E') {
		i++
		if i < len(s) && (s[i] == '+' || s[i] == '-') {
			i++
		}
		from := i
		if i = digits(s, from); i == from {
			return i, false
		}
	}
	return i, true
}

func digits(s []byte, i int) int {
	for i < len(s) && '0' <= s[i] && s[i] <= '9' {
		i++
	}
	return i
}

// AppendNumber appends the JSON number num as an exact decimal: no exponent,
// no leading or trailing zeros but one before the point, no negative zero.
func AppendNumber(dst, num []byte) ([]byte, error) {
	if end, ok := scanNumber(num, 0); !ok || end != len(num) {
		return dst, errNumber
	}
	negative := num[0] == '-'
	if negative {
		num = num[1:]
	}
	whole, frac, exp := split(num)
	if len(frac) == 0 && exp == 0 && len(whole) <= MaxDigits { // an integer as it should be
		if negative && whole[0] != '0' {
			dst = append(dst, '-')
		}
		return append(dst, whole...), nil
	}
	return appendDecimal(dst, negative, whole, frac, exp)
}

// maxExponent stands for every larger exponent: whatever the digits are, the
// number is then too long, unless they are all zeros.
const maxExponent = 1 << 40

// split returns the digits before and after the point and the exponent.
func split(num []byte) (whole, frac []byte, exp int) {
	if i := bytes.IndexAny(num, "eE"); i >= 0 {
		text := num[i+1:]
		num = num[:i]
		minus := text[0] == '-'
		if minus || text[0] == '+' {
			text = text[1:]
		}
		for _, c := range text {
			exp = min(exp*10+int(c-'0'), maxExponent)
		}
		if minus {
			exp = -exp
		}
	}
	whole, frac, _ = bytes.Cut(num, []byte{'.'})
	return whole, frac, exp
}

// appendDecimal appends 0.D × 10^point, where D are the digits of whole and
// frac without zeros at either end.
func appendDecimal(dst []byte, negative bool, whole, frac []byte, exp int) ([]byte, error) {
	point := len(whole) + exp
	var lead int
	whole, lead = trimLeft(whole)
	point -= lead
	if len(whole) == 0 {
		frac, lead = trimLeft(frac)
		point -= lead
	}
	frac = bytes.TrimRight(frac, "0")
	if len(frac) == 0 {
		whole = bytes.TrimRight(whole, "0")
	}
	n := len(whole) + len(frac)
	switch {
	case n == 0:
		return append(dst, '0'), nil
	case max(n, point, n-point) > MaxDigits:
		return dst, ErrDigits
	}
	if negative {
		dst = append(dst, '-')
	}
	at := func(i int) byte {
		if i < len(whole) {
			return whole[i]
		}
		return frac[i-len(whole)]
	}
	if point <= 0 {
		dst = append(dst, '0')
	}
	for i := range point {
		if i < n {
			dst = append(dst, at(i))
		} else {
			dst = append(dst, '0')
		}
	}
	if n > point {
		dst = append(dst, '.')
		for range -point {
			dst = append(dst, '0')
		}
		for i := max(point, 0); i < n; i++ {
			dst = append(dst, at(i))
		}
	}
	return dst, nil
}

func trimLeft(s []byte) ([]byte, int) {
	t := bytes.TrimLeft(s, "0")
	return t, len(s) - len(t)
}

// IsNumber reports whether text is a JSON number.
func IsNumber(text []byte) bool {
	end, ok := scanNumber(text, 0)
	return ok && end == len(text)
}
