package jinja

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
	"unicode/utf8"
)

const maxPad = 1 << 20 // of a width or precision in a format

// spec is a parsed format specification, of str.format or of printf.
type spec struct {
	fill      string
	align     byte // < > ^ = or 0
	sign      byte // + - space or 0
	alt, zero bool
	width     int
	comma     byte // , _ or 0
	precision int  // -1 if there is none
	verb      byte // 0 if there is none
}

// parseSpec reads what stands after the colon in {x:spec}.
func parseSpec(s string) (spec, error) {
	p := spec{fill: " ", precision: -1}
	explicit := false
	if r, n := utf8.DecodeRuneInString(s); n > 0 && len(s) > n && strings.IndexByte("<>^=", s[n]) >= 0 {
		p.fill, p.align, s, explicit = string(r), s[n], s[n+1:], true
	} else if s != "" && strings.IndexByte("<>^=", s[0]) >= 0 {
		p.align, s = s[0], s[1:]
	}
	take := func(set string) byte {
		if s == "" || strings.IndexByte(set, s[0]) < 0 {
			return 0
		}
		c := s[0]
		s = s[1:]
		return c
	}
	p.sign = take("+- ")
	p.alt = take("#") != 0
	if p.zero = take("0") != 0; p.zero && !explicit {
		p.fill = "0"
		if p.align == 0 {
			p.align = '='
		}
	}
	var err error
	if p.width, s, err = leadingInt(s); err != nil {
		return p, err
	}
	p.comma = take(",_")
	if take(".") != 0 {
		if s == "" || !isDecimal(s[0]) {
			return p, errors.New("format specifier missing precision")
		}
		if p.precision, s, err = leadingInt(s); err != nil {
			return p, err
		}
	}
	if len(s) > 1 {
		return p, errors.New("invalid format specifier")
	}
	if s != "" {
		p.verb = s[0]
	}
	return p, nil
}

func leadingInt(s string) (int, string, error) {
	n := 0
	for s != "" && isDecimal(s[0]) {
		if n = n*10 + int(s[0]-'0'); n > maxPad {
			return 0, "", fmt.Errorf("width or precision in a format is over %d", maxPad)
		}
		s = s[1:]
	}
	return n, s, nil
}

// formatValue formats v as format(v, spec).
func (b *budget) formatValue(v any, text string) (string, error) {
	if text == "" {
		return b.str(v)
	}
	p, err := parseSpec(text)
	if err != nil {
		return "", err
	}
	switch n := v.(type) {
	case string:
		return p.str(b, n)
	case float64:
		return p.float(b, n)
	case bool, int64, *big.Int:
		i, _ := asBig(v)
		return p.int(b, i)
	case *Undefined:
		return "", n.Err()
	}
	return "", errType("unsupported format string passed to %s.__format__", typeName(v))
}

func (p spec) unknown(v string) error {
	return fmt.Errorf("unknown format code '%c' for object of type '%s'", p.verb, v)
}

func (p spec) str(b *budget, s string) (string, error) {
	if p.verb != 0 && p.verb != 's' {
		return "", p.unknown("str")
	}
	if p.sign != 0 || p.comma != 0 || p.alt || p.align == '=' && !p.zero {
		return "", errors.New("format specifier is not allowed for str")
	}
	if p.precision >= 0 && runes(s) > p.precision {
		s = string([]rune(s)[:p.precision])
	}
	align := p.align
	if align == 0 || align == '=' {
		align = '<'
	}
	return b.pad(s, p.width, p.fill, align)
}

func (p spec) int(b *budget, n *big.Int) (string, error) {
	base, prefix := 10, ""
	switch p.verb {
	case 0, 'd', 'n':
	case 'b':
		base, prefix = 2, "0b"
	case 'o':
		base, prefix = 8, "0o"
	case 'x', 'X':
		base, prefix = 16, "0"+string(p.verb)
	case 'c':
		if !n.IsInt64() || !utf8.ValidRune(rune(n.Int64())) || n.Int64() > utf8.MaxRune {
			return "", errors.New("%c arg not in range(0x110000)")
		}
		p.verb, p.sign = 0, 0
		if p.align == 0 {
			p.align = '>'
		}
		return p.str(b, string(rune(n.Int64())))
	case 'e', 'E', 'f', 'F', 'g', 'G', '%':
		f, err := asFloat(n)
		if err != nil {
			return "", err
		}
		return p.float(b, f)
	default:
		return "", p.unknown("int")
	}
	if p.precision >= 0 {
		return "", errors.New("precision not allowed in integer format specifier")
	}
	if base == 10 && n.BitLen() > 14284 {
		return "", errors.New("int has too many digits to print")
	}
	digits := new(big.Int).Abs(n).Text(base)
	if p.verb == 'X' {
		digits = strings.ToUpper(digits)
	}
	if !p.alt {
		prefix = ""
	}
	group := 3
	if base != 10 {
		group = 4
	}
	return p.number(b, n.Sign() < 0, prefix, digits, "", group)
}

func (p spec) float(b *budget, f float64) (string, error) {
	verb, prec, tail := p.verb, p.precision, ""
	if prec < 0 {
		prec = 6
	}
	abs := math.Abs(f)
	digits := ""
	switch verb {
	case 0:
		if p.precision < 0 {
			digits = formatFloat(abs)
		} else {
			digits = general(abs, max(p.precision, 1), p.alt, true)
		}
	case 'e', 'E':
		digits = strconv.FormatFloat(abs, 'e', prec, 64)
	case 'f', 'F':
		digits = strconv.FormatFloat(abs, 'f', prec, 64)
	case 'g', 'G', 'n':
		digits = general(abs, max(prec, 1), p.alt, false)
	case '%':
		digits, tail = strconv.FormatFloat(abs*100, 'f', prec, 64), "%"
	default:
		return "", p.unknown("float")
	}
	switch {
	case math.IsInf(f, 0):
		digits = "inf"
	case math.IsNaN(f):
		digits = "nan"
	}
	if verb == 'E' || verb == 'F' || verb == 'G' {
		digits = strings.ToUpper(digits)
	}
	whole := digits
	if i := strings.IndexAny(digits, ".eE%"); i >= 0 && digits[0] != 'i' {
		whole, tail = digits[:i], digits[i:]+tail
	}
	return p.number(b, math.Signbit(f) && !math.IsNaN(f), "", whole, tail, 3)
}

// general is %g: n significant digits, an exponent where it is shorter.
func general(f float64, n int, alt, point bool) string {
	if math.IsInf(f, 0) || math.IsNaN(f) {
		return "inf"
	}
	s := strconv.FormatFloat(f, 'e', n-1, 64)
	i := strings.IndexByte(s, 'e')
	exp, _ := strconv.Atoi(s[i+1:])
	limit := n
	if point {
		limit = n - 1 // without a verb, one digit stays after the point
	}
	if exp >= -4 && exp < max(limit, 1) || point && exp < n && exp >= -4 && n > 1 && exp < limit {
		s = strconv.FormatFloat(f, 'f', max(n-1-exp, 0), 64)
		if !alt && strings.Contains(s, ".") {
			s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
		}
		if point && !strings.Contains(s, ".") {
			s += ".0"
		}
		return s
	}
	m := s[:i]
	if !alt && strings.Contains(m, ".") {
		m = strings.TrimRight(strings.TrimRight(m, "0"), ".")
	}
	return m + s[i:]
}

// number puts sign, prefix, grouping and padding around digits.
func (p spec) number(b *budget, negative bool, prefix, digits, tail string, group int) (string, error) {
	sign := ""
	switch {
	case negative:
		sign = "-"
	case p.sign == '+' || p.sign == ' ':
		sign = string(p.sign)
	}
	head := sign + prefix
	if p.comma != 0 && digits != "" && digits[0] <= '9' {
		if p.align == '=' && p.fill == "0" {
			digits = zeroGroup(digits, string(p.comma), group, p.width-len(head)-len(tail))
		} else {
			digits = grouped(digits, string(p.comma), group)
		}
	}
	switch p.align {
	case '=':
		body, err := b.pad(digits+tail, p.width-len(head), p.fill, '>')
		return head + body, err
	case 0:
		return b.pad(head+digits+tail, p.width, p.fill, '>')
	}
	return b.pad(head+digits+tail, p.width, p.fill, p.align)
}

func grouped(digits, sep string, n int) string {
	var b strings.Builder
	for i, c := range digits {
		if i > 0 && (len(digits)-i)%n == 0 {
			b.WriteString(sep)
		}
		b.WriteRune(c)
	}
	return b.String()
}

// zeroGroup pads with zeros that are grouped like the digits.
func zeroGroup(digits, sep string, n, width int) string {
	s := grouped(digits, sep, n)
	for len(s) < width {
		digits = "0" + digits
		s = grouped(digits, sep, n)
	}
	return s
}
