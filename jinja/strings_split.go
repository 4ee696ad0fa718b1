package jinja

import (
	"errors"
	"slices"
	"strings"
)

func separator(v any) (string, error) {
	sep, err := wantStr(v, "")
	if err == nil && sep == "" {
		err = errors.New("empty separator")
	}
	return sep, err
}

func splitMethod(last bool) methodFunc {
	return func(c *Call, self any) (any, error) {
		a, err := c.Unpack("split", "sep?", "maxsplit?")
		if err != nil {
			return nil, err
		}
		n, err := wantInt(a[1], -1)
		if err != nil {
			return nil, err
		}
		s := self.(string)
		if err := c.budget().list(len(s)/8 + 1); err != nil {
			return nil, err
		}
		var parts []string
		if or(a[0], nil) == nil {
			parts = fields(s, n, last)
		} else {
			sep, err := separator(a[0])
			if err != nil {
				return nil, err
			}
			parts = splitBy(s, sep, n, last)
		}
		return listOf(parts), c.budget().list(len(parts))
	}
}

// splitBy splits at most n times, from the end if last is set.
func splitBy(s, sep string, n int, last bool) []string {
	if n < 0 {
		return strings.Split(s, sep)
	}
	if !last {
		return strings.SplitN(s, sep, n+1)
	}
	var out []string
	for ; n > 0; n-- {
		i := strings.LastIndex(s, sep)
		if i < 0 {
			break
		}
		out = append(out, s[i+len(sep):])
		s = s[:i]
	}
	out = append(out, s)
	slices.Reverse(out)
	return out
}

// fields splits at runs of white space at most n times.
func fields(s string, n int, last bool) []string {
	if n < 0 {
		return strings.FieldsFunc(s, isSpace)
	}
	var out []string
	if last {
		for s = strings.TrimRightFunc(s, isSpace); s != "" && n > 0; n-- {
			i := strings.LastIndexFunc(s, isSpace)
			if i < 0 {
				break
			}
			w := strings.TrimLeftFunc(s[i:], isSpace)
			out = append(out, w)
			s = strings.TrimRightFunc(s[:i], isSpace)
		}
		if s != "" {
			out = append(out, s)
		}
		slices.Reverse(out)
		return out
	}
	for s = strings.TrimLeftFunc(s, isSpace); s != "" && n > 0; n-- {
		i := strings.IndexFunc(s, isSpace)
		if i < 0 {
			break
		}
		out = append(out, s[:i])
		s = strings.TrimLeftFunc(s[i:], isSpace)
	}
	if s != "" {
		out = append(out, s)
	}
	return out
}

// splitLines splits at every line break that Python knows.
func splitLines(s string, keep bool) []string {
	var out []string
	for s != "" {
		i := strings.IndexFunc(s, isLineBreak)
		if i < 0 {
			return append(out, s)
		}
		size := 1
		switch {
		case strings.HasPrefix(s[i:], "\r\n"):
			size = 2
		case s[i] >= 0x80:
			size = len(string([]rune(s[i:min(i+4, len(s))])[0]))
		}
		end := i
		if keep {
			end += size
		}
		out = append(out, s[:end])
		s = s[i+size:]
	}
	return out
}

func isLineBreak(r rune) bool {
	return r >= 0x0a && r <= 0x0d || r >= 0x1c && r <= 0x1e || r == 0x85 || r == 0x2028 || r == 0x2029
}

func splitLinesMethod(c *Call, self any) (any, error) {
	a, err := c.Unpack("splitlines", "keepends?")
	if err != nil {
		return nil, err
	}
	lines := splitLines(self.(string), Truth(or(a[0], false)))
	return listOf(lines), c.budget().list(len(lines))
}

func padMethod(align byte) methodFunc {
	return func(c *Call, self any) (any, error) {
		a, err := c.Unpack("just", "width", "fillchar?")
		if err != nil {
			return nil, err
		}
		n, err := wantInt(a[0], 0)
		if err != nil {
			return nil, err
		}
		fill, err := wantStr(a[1], " ")
		if err != nil {
			return nil, err
		}
		if runes(fill) != 1 {
			return nil, errType("the fill character must be exactly one character long")
		}
		return c.budget().pad(self.(string), n, fill, align)
	}
}

// centered is the align of str.center, which puts an odd blank where ^ of
// format does not.
const centered = 'c'

// pad fills s up to n characters; align is <, > or ^, as in format, or
// centered.
func (b *budget) pad(s string, n int, fill string, align byte) (string, error) {
	n -= runes(s)
	if n <= 0 {
		return s, nil
	}
	if err := b.alloc(n*len(fill) + len(s)); err != nil {
		return "", err
	}
	left := 0
	switch align {
	case '>':
		left = n
	case '^':
		left = n / 2
	case centered:
		left = n/2 + n&(n+runes(s))&1
	}
	return strings.Repeat(fill, left) + s + strings.Repeat(fill, n-left), nil
}

func zfillMethod(c *Call, self any) (any, error) {
	a, err := c.Unpack("zfill", "width")
	if err != nil {
		return nil, err
	}
	n, err := wantInt(a[0], 0)
	if err != nil {
		return nil, err
	}
	s, sign := self.(string), ""
	if s != "" && (s[0] == '-' || s[0] == '+') {
		sign, s = s[:1], s[1:]
	}
	s, err = c.budget().pad(s, n-len(sign), "0", '>')
	return sign + s, err
}

func expandTabsMethod(c *Call, self any) (any, error) {
	a, err := c.Unpack("expandtabs", "tabsize?")
	if err != nil {
		return nil, err
	}
	size, err := wantInt(a[0], 8)
	if err != nil {
		return nil, err
	}
	var b strings.Builder
	col := 0
	for _, r := range self.(string) {
		if r != '\t' {
			b.WriteRune(r)
			col++
			if r == '\n' || r == '\r' {
				col = 0
			}
			continue
		}
		n := 0
		if size > 0 {
			n = size - col%size
		}
		pad, err := c.budget().spaces(n)
		if err != nil {
			return nil, err
		}
		b.WriteString(pad)
		col += n
	}
	return b.String(), c.budget().alloc(b.Len())
}
