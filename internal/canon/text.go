package canon

import (
	"unicode/utf16"
	"unicode/utf8"
)

// CompareNames orders member names by their UTF-16 code units, given as valid
// UTF-8. It equals the order of the bytes but for the characters from U+E000
// to U+FFFF, which come after the supplementary ones.
func CompareNames(a, b []byte) int {
	for i := range min(len(a), len(b)) {
		x, y := a[i], b[i]
		if x == y {
			continue
		}
		if x >= 0xEE && y >= 0xEE && (x >= 0xF0) != (y >= 0xF0) {
			x, y = y, x
		}
		if x < y {
			return -1
		}
		return 1
	}
	return len(a) - len(b)
}

// escapes says of each ASCII byte whether a string may not hold it as it is.
var escapes = func() (t [256]bool) {
	for c := range 0x20 {
		t[c] = true
	}
	t['"'], t['\\'] = true, true
	return t
}()

const hexDigits = "0123456789abcdef"

// AppendString appends s, which must be valid UTF-8, as a canonical string
// with its quotes.
func AppendString[T ~string | ~[]byte](dst []byte, s T) []byte {
	dst = append(dst, '"')
	from := 0
	for i := range len(s) {
		c := s[i]
		if !escapes[c] {
			continue
		}
		dst = append(dst, s[from:i]...)
		from = i + 1
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\b':
			dst = append(dst, `\b`...)
		case '\t':
			dst = append(dst, `\t`...)
		case '\n':
			dst = append(dst, `\n`...)
		case '\f':
			dst = append(dst, `\f`...)
		case '\r':
			dst = append(dst, `\r`...)
		default:
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
	}
	dst = append(dst, s[from:]...)
	return append(dst, '"')
}

// string parses the string whose opening quote is at i.
func (d *Doc) string(i int) (int, error) {
	s, start := d.src, i+1
	high := false
	for i = start; i < len(s); i++ {
		c := s[i]
		if c >= 0x80 {
			high = true
			continue
		}
		if !escapes[c] {
			continue
		}
		switch c {
		case '"':
			if high && !utf8.Valid(s[start:i]) {
				return i, &SyntaxError{start, "invalid UTF-8 in a string"}
			}
			d.leaf(String, start, i)
			return i + 1, nil
		case '\\':
			return d.escaped(start, i)
		}
		return i, &SyntaxError{i, "control character in a string"}
	}
	return i, &SyntaxError{i, "string without end"}
}

// escaped parses a string that begins at start and has its first backslash at
// i; its content goes to d.text.
func (d *Doc) escaped(start, i int) (int, error) {
	s, from, at := d.src, start, len(d.text)
	for i < len(s) {
		c := s[i]
		switch {
		case !escapes[c]:
			i++
		case c == '"':
			d.text = append(d.text, s[from:i]...)
			if !utf8.Valid(d.text[at:]) {
				return i, &SyntaxError{start, "invalid UTF-8 in a string"}
			}
			d.leaf(String, at, len(d.text))
			d.nodes[len(d.nodes)-1].owned = true
			return i + 1, nil
		case c == '\\':
			d.text = append(d.text, s[from:i]...)
			n, err := d.unescape(i)
			if err != nil {
				return i, err
			}
			i += n
			from = i
		default:
			return i, &SyntaxError{i, "control character in a string"}
		}
	}
	return i, &SyntaxError{i, "string without end"}
}

// unescape appends what the escape at i means and returns its length.
func (d *Doc) unescape(i int) (int, error) {
	if i+1 >= len(d.src) {
		return 0, &SyntaxError{i, "string without end"}
	}
	switch c := d.src[i+1]; c {
	case '"', '\\', '/':
		d.text = append(d.text, c)
	case 'b':
		d.text = append(d.text, '\b')
	case 'f':
		d.text = append(d.text, '\f')
	case 'n':
		d.text = append(d.text, '\n')
	case 'r':
		d.text = append(d.text, '\r')
	case 't':
		d.text = append(d.text, '\t')
	case 'u':
		return d.unescapeRune(i)
	default:
		return 0, &SyntaxError{i, "unknown escape"}
	}
	return 2, nil
}

func (d *Doc) unescapeRune(i int) (int, error) {
	r, ok := hex4(d.src, i+2)
	if !ok {
		return 0, &SyntaxError{i, `malformed \u escape`}
	}
	n := 6
	if utf16.IsSurrogate(r) {
		low, ok := rune(0), false
		if i+7 < len(d.src) && d.src[i+6] == '\\' && d.src[i+7] == 'u' {
			low, ok = hex4(d.src, i+8)
		}
		if r = utf16.DecodeRune(r, low); !ok || r == utf8.RuneError {
			return 0, &SyntaxError{i, "lone surrogate"}
		}
		n = 12
	}
	d.text = utf8.AppendRune(d.text, r)
	return n, nil
}

func hex4(s []byte, i int) (rune, bool) {
	if i+4 > len(s) {
		return 0, false
	}
	r := rune(0)
	for _, c := range s[i : i+4] {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}
