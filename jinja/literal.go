package jinja

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// isSpace is Python's idea of white space.
func isSpace(r rune) bool {
	return unicode.IsSpace(r) || r >= 0x1c && r <= 0x1f
}

// unescape decodes the escapes of a Python string literal. An unknown escape
// keeps its backslash.
func unescape(s string) (string, error) {
	if strings.IndexByte(s, '\\') < 0 {
		return s, nil
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			b.WriteByte(s[i])
			continue
		}
		i++
		if c, ok := simpleEscapes[s[i]]; ok {
			b.WriteString(c)
			continue
		}
		if n := hexDigits(s[i]); n > 0 {
			r, err := codePoint(s, i+1, n)
			if err != nil {
				return "", err
			}
			b.WriteRune(r)
			i += n
			continue
		}
		if s[i] >= '0' && s[i] <= '7' {
			j := i
			for j < len(s) && j < i+3 && s[j] >= '0' && s[j] <= '7' {
				j++
			}
			n, _ := strconv.ParseUint(s[i:j], 8, 32)
			b.WriteRune(rune(n))
			i = j - 1
			continue
		}
		if s[i] == 'N' {
			return "", errEscape
		}
		b.WriteByte('\\')
		b.WriteByte(s[i])
	}
	return b.String(), nil
}

var simpleEscapes = map[byte]string{
	'\n': "", '\\': "\\", '\'': "'", '"': "\"", 'a': "\a", 'b': "\b", 'f': "\f",
	'n': "\n", 'r': "\r", 't': "\t", 'v': "\v",
}

func hexDigits(c byte) int {
	switch c {
	case 'x':
		return 2
	case 'u':
		return 4
	case 'U':
		return 8
	}
	return 0
}

func codePoint(s string, at, n int) (rune, error) {
	if at+n > len(s) {
		return 0, errEscape
	}
	v, err := strconv.ParseUint(s[at:at+n], 16, 32)
	if err != nil || !utf8.ValidRune(rune(v)) || v > unicode.MaxRune {
		return 0, errEscape
	}
	return rune(v), nil
}

// number reads an integer or a float as Python spells them.
func (l *lexer) number() {
	off := l.pos
	s := l.src[off:]
	afterDot := off > 0 && l.src[off-1] == '.'
	if n := floatLen(s); n > 0 && !afterDot {
		l.pos += n
		l.emit(tokFloat, strings.ReplaceAll(s[:n], "_", ""), off)
		return
	}
	n := intLen(s)
	l.pos += n
	l.emit(tokInt, strings.ReplaceAll(s[:n], "_", ""), off)
}

// digits returns the length of the longest run of digits at the start of s in
// which single underscores may stand between digits.
func digits(s string, ok func(byte) bool) int {
	n := 0
	for n < len(s) {
		switch {
		case ok(s[n]):
			n++
		case s[n] == '_' && n > 0 && n+1 < len(s) && ok(s[n+1]):
			n += 2
		default:
			return n
		}
	}
	return n
}

func isDecimal(c byte) bool { return c >= '0' && c <= '9' }
func isZero(c byte) bool    { return c == '0' }
func isOctal(c byte) bool   { return c >= '0' && c <= '7' }
func isBinary(c byte) bool  { return c == '0' || c == '1' }
func isHex(c byte) bool {
	return isDecimal(c) || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

func floatLen(s string) int {
	n := digits(s, isDecimal)
	isFloat := false
	if n+1 < len(s) && s[n] == '.' {
		if d := digits(s[n+1:], isDecimal); d > 0 {
			n += 1 + d
			isFloat = true
		}
	}
	if n < len(s) && (s[n] == 'e' || s[n] == 'E') {
		e := n + 1
		if e < len(s) && (s[e] == '+' || s[e] == '-') {
			e++
		}
		if d := digits(s[e:], isDecimal); d > 0 {
			n = e + d
			isFloat = true
		}
	}
	if !isFloat {
		return 0
	}
	return n
}

func intLen(s string) int {
	if s[0] != '0' {
		return digits(s, isDecimal)
	}
	if len(s) > 2 {
		var ok func(byte) bool
		switch s[1] | 0x20 {
		case 'x':
			ok = isHex
		case 'o':
			ok = isOctal
		case 'b':
			ok = isBinary
		}
		if ok != nil {
			skip := 2
			if s[2] == '_' {
				skip = 3
			}
			if d := digits(s[skip:], ok); d > 0 {
				return skip + d
			}
		}
	}
	return digits(s, isZero)
}
