package jinja

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

func stringFilter(c *Call) (any, error) {
	a, err := c.Unpack("string", "object")
	if err != nil {
		return nil, err
	}
	return c.budget().str(a[0])
}

// textFilter is a filter of the text of a value and nothing else.
func textFilter(fn func(string) string) Func {
	return func(c *Call) (any, error) {
		a, err := c.Unpack("filter", "s")
		if err != nil {
			return nil, err
		}
		s, err := c.budget().str(a[0])
		if err != nil {
			return nil, err
		}
		out := fn(s)
		return out, c.budget().alloc(len(out))
	}
}

// methodFilter applies a method of strings to the text of the value.
func methodFilter(name string) Func {
	return func(c *Call) (any, error) {
		if len(c.Args) == 0 {
			return nil, errType("%s() missing required argument: 's'", name)
		}
		s, err := c.budget().str(c.Args[0])
		if err != nil {
			return nil, err
		}
		rest := *c
		rest.Args = c.Args[1:]
		return stringMethods[name](&rest, s)
	}
}

var wordStart = regexp.MustCompile(`[-\s({\[<]+`)

// titleWords capitalizes words, which begin after white space, - and open
// brackets.
func titleWords(s string) string {
	var b strings.Builder
	word := func(w string) {
		_, n := utf8.DecodeRuneInString(w)
		b.WriteString(toUpper(w[:n]) + strings.ToLower(w[n:]))
	}
	last := 0
	for _, m := range wordStart.FindAllStringIndex(s, -1) {
		word(s[last:m[0]])
		b.WriteString(s[m[0]:m[1]])
		last = m[1]
	}
	word(s[last:])
	return b.String()
}

func trimFilter(c *Call) (any, error) {
	a, err := c.Unpack("trim", "value", "chars?")
	if err != nil {
		return nil, err
	}
	s, err := c.budget().str(a[0])
	if err != nil {
		return nil, err
	}
	return trim(s, or(a[1], nil), true, true)
}

// trim strips white space, or the characters of chars, from the ends of s.
func trim(s string, chars any, left, right bool) (string, error) {
	cut := isSpace
	if chars != nil {
		set, ok := chars.(string)
		if !ok {
			return "", errType("strip arg must be None or str")
		}
		cut = func(r rune) bool { return strings.ContainsRune(set, r) }
	}
	if left {
		s = strings.TrimLeftFunc(s, cut)
	}
	if right {
		s = strings.TrimRightFunc(s, cut)
	}
	return s, nil
}

func replaceFilter(c *Call) (any, error) {
	a, err := c.Unpack("replace", "s", "old", "new", "count?")
	if err != nil {
		return nil, err
	}
	text := [3]string{}
	for i := range text {
		if text[i], err = c.budget().str(a[i]); err != nil {
			return nil, err
		}
	}
	n := -1
	if or(a[3], nil) != nil {
		if n, err = wantInt(a[3], -1); err != nil {
			return nil, err
		}
	}
	return c.budget().replace(text[0], text[1], text[2], n)
}

func (b *budget) replace(s, old, with string, n int) (string, error) {
	count := strings.Count(s, old)
	if n >= 0 {
		count = min(count, n)
	}
	if grow := len(with) - len(old); grow > 0 && int64(count) > b.lim.Memory/int64(grow) {
		return "", b.alloc(-1)
	}
	if err := b.alloc(len(s) + count*max(len(with)-len(old), 0)); err != nil {
		return "", err
	}
	return strings.Replace(s, old, with, n), nil
}

// formatFilter is printf: {{ "%s %d" | format("a", 1) }}.
func formatFilter(c *Call) (any, error) {
	if len(c.Args) == 0 {
		return nil, errType("format() missing required argument: 'value'")
	}
	s, err := c.budget().str(c.Args[0])
	if err != nil {
		return nil, err
	}
	if len(c.Kwargs) == 0 {
		return c.budget().percent(s, Tuple(c.Args[1:]))
	}
	if len(c.Args) > 1 {
		return nil, errType("can't handle positional and keyword arguments at the same time")
	}
	d := NewDict()
	for _, k := range c.Kwargs {
		if err := d.Set(k.Name, k.Value); err != nil {
			return nil, err
		}
	}
	return c.budget().percent(s, d)
}

func indentFilter(c *Call) (any, error) {
	a, err := c.Unpack("indent", "s", "width?", "first?", "blank?")
	if err != nil {
		return nil, err
	}
	s, err := wantStr(a[0], "")
	if err != nil {
		return nil, err
	}
	pad, ok := or(a[1], int64(4)).(string)
	if !ok {
		n, err := wantInt(a[1], 4)
		if err != nil {
			return nil, err
		}
		if pad, err = c.budget().spaces(n); err != nil {
			return nil, err
		}
	}
	lines := splitLines(s+"\n", false)
	blank := Truth(or(a[3], false))
	if err := c.budget().alloc(len(s)); err != nil {
		return nil, err
	}
	for i := 1; i < len(lines); i++ {
		if lines[i] != "" || blank {
			if err := c.budget().alloc(len(pad)); err != nil {
				return nil, err
			}
			lines[i] = pad + lines[i]
		}
	}
	out := strings.Join(lines, "\n")
	if Truth(or(a[2], false)) {
		out = pad + out
	}
	return out, nil
}

// spaces returns n blanks within the budget.
func (b *budget) spaces(n int) (string, error) {
	n = max(n, 0)
	if err := b.alloc(n); err != nil {
		return "", err
	}
	return strings.Repeat(" ", n), nil
}

func centerFilter(c *Call) (any, error) {
	a, err := c.Unpack("center", "value", "width?")
	if err != nil {
		return nil, err
	}
	s, err := c.budget().str(a[0])
	if err != nil {
		return nil, err
	}
	n, err := wantInt(a[1], 80)
	if err != nil {
		return nil, err
	}
	return c.budget().pad(s, n, " ", centered)
}

// truncateFilter shortens a text of more than length + leeway characters.
func truncateFilter(c *Call) (any, error) {
	a, err := c.Unpack("truncate", "s", "length?", "killwords?", "end?", "leeway?")
	if err != nil {
		return nil, err
	}
	if u, ok := a[0].(*Undefined); ok {
		return u, u.strictErr()
	}
	n, err := length(a[0])
	if err != nil {
		return nil, err
	}
	size, err := wantInt(a[1], 255)
	if err != nil {
		return nil, err
	}
	end, err := wantStr(a[3], "...")
	if err != nil {
		return nil, err
	}
	if a[4] == nil {
		a[4] = Missing
	}
	leeway, err := wantInt(a[4], 5)
	if err != nil {
		return nil, err
	}
	if size < runes(end) {
		return nil, fmt.Errorf("expected length >= %d, got %d", runes(end), size)
	}
	if leeway < 0 {
		return nil, fmt.Errorf("expected leeway >= 0, got %d", leeway)
	}
	if n <= size+leeway {
		return a[0], nil
	}
	s, err := wantStr(a[0], "")
	if err != nil {
		return nil, err
	}
	rs := []rune(s)
	cut := string(rs[:size-runes(end)])
	if !Truth(or(a[2], false)) {
		if i := strings.LastIndexByte(cut, ' '); i >= 0 {
			cut = cut[:i]
		}
	}
	return cut + end, c.budget().alloc(len(cut) + len(end))
}

func runes(s string) int { return utf8.RuneCountInString(s) }

func wordCountFilter(c *Call) (any, error) {
	a, err := c.Unpack("wordcount", "s")
	if err != nil {
		return nil, err
	}
	s, err := c.budget().str(a[0])
	words := strings.FieldsFunc(s, func(r rune) bool {
		return r != '_' && !unicode.IsLetter(r) && !unicode.IsNumber(r) && !unicode.IsMark(r)
	})
	return int64(len(words)), err
}
