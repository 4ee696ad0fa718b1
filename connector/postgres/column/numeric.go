package column

import (
	"encoding/binary"
	"errors"
	"math/bits"

	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
)

// The signs of a binary numeric.
const (
	numericPositive = 0x0000
	numericNegative = 0x4000
	numericNaN      = 0xc000
	numericInf      = 0xd000
	numericNegInf   = 0xf000
)

var (
	errNotFinite = errors.New("NaN and infinity have no place in a decimal column; set numeric: text")
	errPrecision = errors.New("the number has more digits than its column was declared with; set numeric: text")
)

// number is a binary numeric: digits of base 10,000, the first of which
// counts 10,000^weight, and the number of decimal places that are shown.
type number struct {
	digits []byte // two bytes each
	weight int
	sign   uint16
	scale  int
}

func parseNumber(v []byte) (number, error) {
	if len(v) < 8 {
		return number{}, errLength
	}
	n := number{
		weight: int(int16(binary.BigEndian.Uint16(v[2:]))), sign: binary.BigEndian.Uint16(v[4:]),
		scale: int(binary.BigEndian.Uint16(v[6:])), digits: v[8:],
	}
	if len(n.digits) != 2*int(binary.BigEndian.Uint16(v)) || n.scale > 0x3fff {
		return n, errLength
	}
	return n, nil
}

func (n number) digit(i int) uint64 {
	return uint64(binary.BigEndian.Uint16(n.digits[2*i:]))
}

// uint128 is a number without sign.
type uint128 struct{ hi, lo uint64 }

// times returns u*m + a, and false where that has more than 128 bits.
func (u uint128) times(m, a uint64) (uint128, bool) {
	hi, lo := bits.Mul64(u.lo, m)
	over, top := bits.Mul64(u.hi, m)
	lo, carry := bits.Add64(lo, a, 0)
	hi, carry = bits.Add64(hi, top, carry)
	return uint128{hi, lo}, over == 0 && carry == 0
}

func (u uint128) less(v uint128) bool {
	return u.hi < v.hi || u.hi == v.hi && u.lo < v.lo
}

var (
	small = [...]uint64{1, 10, 100, 1000, 10_000}
	// powers are those of ten, up to 10^38.
	powers = func() (p [39]uint128) {
		p[0] = uint128{lo: 1}
		for i := 1; i < len(p); i++ {
			p[i], _ = p[i-1].times(10, 0)
		}
		return p
	}()
)

type decimalCell struct {
	b     *array.Decimal128Builder
	scale int
	limit uint128 // the absolute value is less
}

func newDecimalCell(c Column, b *array.Decimal128Builder) decimalCell {
	p, s := precision(c.Typmod)
	return decimalCell{b: b, scale: int(s), limit: powers[p]}
}

func (c decimalCell) binary(v []byte) error {
	n, err := parseNumber(v)
	if err != nil {
		return err
	}
	if n.sign != numericPositive && n.sign != numericNegative {
		return errNotFinite
	}
	u, err := c.unscaled(n)
	if err != nil {
		return err
	}
	c.append(u, n.sign == numericNegative)
	return nil
}

// unscaled returns |n| * 10^scale.
func (c decimalCell) unscaled(n number) (uint128, error) {
	var u uint128
	count := len(n.digits) / 2
	for count > 0 && n.digit(count-1) == 0 {
		count--
	}
	var ok bool
	for i := range count {
		d := n.digit(i)
		if d > 9999 {
			return u, errSyntax
		}
		// The last digit that counts may reach below the column's scale.
		if below := (i-n.weight)*4 - c.scale; below > 0 {
			if i != count-1 || below > 3 || d%small[below] != 0 {
				return u, errPrecision
			}
			u, ok = u.times(small[4-below], d/small[below])
			if !ok || !u.less(c.limit) {
				return u, errPrecision
			}
			return u, nil
		}
		if u, ok = u.times(10_000, d); !ok {
			return u, errPrecision
		}
	}
	for left := (n.weight-count+1)*4 + c.scale; left > 0 && u != (uint128{}); left -= 4 {
		if u, ok = u.times(small[min(left, 4)], 0); !ok {
			return u, errPrecision
		}
	}
	if !u.less(c.limit) {
		return u, errPrecision
	}
	return u, nil
}

func (c decimalCell) append(u uint128, negative bool) {
	n := decimal128.New(int64(u.hi), u.lo)
	if negative {
		n = n.Negate()
	}
	c.b.Append(n)
}

// text reads digits with a point, as the server writes all numerics.
func (c decimalCell) text(v []byte) error {
	negative := len(v) > 0 && v[0] == '-'
	if negative {
		v = v[1:]
	}
	switch {
	case len(v) == 0:
		return errSyntax
	case v[0] == 'N' || v[0] == 'I':
		return errNotFinite
	}
	var u uint128
	var ok bool
	point, places := false, 0
	for i, ch := range v {
		switch {
		case ch == '.' && !point && i > 0 && i < len(v)-1:
			point = true
			continue
		case ch < '0' || ch > '9':
			return errSyntax
		case point && places == c.scale:
			if ch != '0' {
				return errPrecision
			}
			continue
		case point:
			places++
		}
		if u, ok = u.times(10, uint64(ch-'0')); !ok {
			return errPrecision
		}
	}
	for ; places < c.scale; places++ {
		if u, ok = u.times(10, 0); !ok {
			return errPrecision
		}
	}
	if !u.less(c.limit) {
		return errPrecision
	}
	c.append(u, negative)
	return nil
}

// numericText writes a numeric of any size as the server does.
func numericText(to, v []byte) ([]byte, error) {
	n, err := parseNumber(v)
	if err != nil {
		return to, err
	}
	switch n.sign {
	case numericNaN:
		return append(to, "NaN"...), nil
	case numericInf:
		return append(to, "Infinity"...), nil
	case numericNegInf:
		return append(to, "-Infinity"...), nil
	case numericNegative:
		to = append(to, '-')
	case numericPositive:
	default:
		return to, errSyntax
	}
	if n.weight < 0 {
		to = append(to, '0')
	}
	start := len(to)
	for i := 0; i <= n.weight; i++ {
		d, err := n.at(i)
		if err != nil {
			return to, err
		}
		if i == 0 && d == 0 && len(to) == start { // the server has no leading zeros
			to = append(to, '0')
			continue
		}
		to = fourDigits(to, d, i == 0)
	}
	if n.scale == 0 {
		return to, nil
	}
	to = append(to, '.')
	end := len(to) + n.scale
	for i := n.weight + 1; len(to) < end; i++ {
		d, err := n.at(i)
		if err != nil {
			return to, err
		}
		to = fourDigits(to, d, false)
	}
	return to[:end], nil
}

// at returns the digit i, which is zero where it was left out.
func (n number) at(i int) (uint64, error) {
	if i < 0 || 2*i >= len(n.digits) {
		return 0, nil
	}
	d := n.digit(i)
	if d > 9999 {
		return 0, errSyntax
	}
	return d, nil
}

func fourDigits(to []byte, d uint64, bare bool) []byte {
	four := [4]byte{'0' + byte(d/1000), '0' + byte(d/100%10), '0' + byte(d/10%10), '0' + byte(d%10)}
	i := 0
	for bare && i < 3 && four[i] == '0' {
		i++
	}
	return append(to, four[i:]...)
}
