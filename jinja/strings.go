package jinja

import (
	"strings"
	"unicode"
)

var stringMethods map[string]methodFunc

func init() {
	stringMethods = map[string]methodFunc{
		"lower": plainText(strings.ToLower), "upper": plainText(toUpper), "casefold": plainText(foldText),
		"capitalize": plainText(capitalize), "title": plainText(titleCase), "swapcase": plainText(swapCase),
		"strip": stripMethod(true, true), "lstrip": stripMethod(true, false), "rstrip": stripMethod(false, true),
		"split": splitMethod(false), "rsplit": splitMethod(true), "splitlines": splitLinesMethod,
		"partition": partitionMethod(false), "rpartition": partitionMethod(true),
		"startswith": affixMethod(strings.HasPrefix), "endswith": affixMethod(strings.HasSuffix),
		"removeprefix": cutMethod(strings.TrimPrefix), "removesuffix": cutMethod(strings.TrimSuffix),
		"find": findMethod(false, false), "rfind": findMethod(true, false),
		"index": findMethod(false, true), "rindex": findMethod(true, true), "count": countMethod,
		"replace": replaceMethod, "join": joinMethod, "format": formatMethod, "format_map": formatMapMethod,
		"center": padMethod(centered), "ljust": padMethod('<'), "rjust": padMethod('>'), "zfill": zfillMethod,
		"expandtabs": expandTabsMethod, "encode": encodeMethod,
		"isalpha": allRunes(unicode.IsLetter), "isdigit": allRunes(unicode.IsDigit), "isdecimal": allRunes(unicode.IsDigit),
		"isnumeric": allRunes(unicode.IsNumber), "isspace": allRunes(isSpace),
		"isalnum": allRunes(func(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) }),
		"islower": askText(func(s string) bool { return hasCase(s) && s == strings.ToLower(s) }),
		"isupper": askText(func(s string) bool { return hasCase(s) && s == strings.ToUpper(s) }),
		"istitle": askText(func(s string) bool { return hasCase(s) && s == titleCase(s) }),
		"isascii": askText(func(s string) bool { return !strings.ContainsFunc(s, func(r rune) bool { return r > 127 }) }),
		"isidentifier": askText(func(s string) bool {
			return s != "" && !unicode.IsDigit([]rune(s)[0]) && !strings.ContainsFunc(s, func(r rune) bool {
				return r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r)
			})
		}),
		"isprintable": askText(func(s string) bool { return !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) }),
	}
}

func plainText(fn func(string) string) methodFunc {
	return func(c *Call, self any) (any, error) {
		if _, err := c.Unpack("method"); err != nil {
			return nil, err
		}
		s := fn(self.(string))
		return s, c.budget().alloc(len(s))
	}
}

func askText(fn func(string) bool) methodFunc {
	return func(c *Call, self any) (any, error) {
		_, err := c.Unpack("method")
		return fn(self.(string)), err
	}
}

func allRunes(ok func(rune) bool) methodFunc {
	return askText(func(s string) bool {
		return s != "" && !strings.ContainsFunc(s, func(r rune) bool { return !ok(r) })
	})
}

// toUpper knows the one letter in common use whose capital is two letters.
func toUpper(s string) string { return strings.ToUpper(strings.ReplaceAll(s, "ß", "SS")) }

func foldText(s string) string { return strings.ReplaceAll(strings.ToLower(s), "ß", "ss") }

func capitalize(s string) string {
	for i, r := range s {
		return string(unicode.ToTitle(r)) + strings.ToLower(s[i+len(string(r)):])
	}
	return s
}

func titleCase(s string) string {
	inWord := false
	return strings.Map(func(r rune) rune {
		letter := unicode.IsLetter(r)
		defer func() { inWord = letter }()
		switch {
		case letter && inWord:
			return unicode.ToLower(r)
		case letter:
			return unicode.ToTitle(r)
		}
		return r
	}, s)
}

func swapCase(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsUpper(r) {
			return unicode.ToLower(r)
		}
		return unicode.ToUpper(r)
	}, s)
}

func stripMethod(left, right bool) methodFunc {
	return func(c *Call, self any) (any, error) {
		a, err := c.Unpack("strip", "chars?")
		if err != nil {
			return nil, err
		}
		return trim(self.(string), or(a[0], nil), left, right)
	}
}

func partitionMethod(last bool) methodFunc {
	return func(c *Call, self any) (any, error) {
		a, err := c.Unpack("partition", "sep")
		if err != nil {
			return nil, err
		}
		s := self.(string)
		sep, err := separator(a[0])
		if err != nil {
			return nil, err
		}
		i := strings.Index(s, sep)
		if last {
			i = strings.LastIndex(s, sep)
		}
		switch {
		case i >= 0:
			return Tuple{s[:i], sep, s[i+len(sep):]}, nil
		case last:
			return Tuple{"", "", s}, nil
		}
		return Tuple{s, "", ""}, nil
	}
}

func affixMethod(has func(string, string) bool) methodFunc {
	return func(c *Call, self any) (any, error) {
		a, err := c.Unpack("startswith", "affix", "start?", "end?")
		if err != nil {
			return nil, err
		}
		s, ok, err := within(self.(string), or(a[1], nil), or(a[2], nil))
		if err != nil || !ok {
			return false, err
		}
		options := Tuple{a[0]}
		if t, ok := a[0].(Tuple); ok {
			options = t
		}
		for _, o := range options {
			text, ok := o.(string)
			if !ok {
				return nil, errType("startswith first arg must be str or a tuple of str, not %s", typeName(o))
			}
			if has(s.text, text) {
				return true, nil
			}
		}
		return false, nil
	}
}

func cutMethod(cut func(string, string) string) methodFunc {
	return func(c *Call, self any) (any, error) {
		a, err := c.Unpack("removeprefix", "affix")
		if err != nil {
			return nil, err
		}
		affix, err := wantStr(a[0], "")
		return cut(self.(string), affix), err
	}
}

// part is a piece of a string and where it begins, in code points.
type part struct {
	text  string
	start int
}

// within returns s[start:end]; false if start is beyond the end of s.
func within(s string, start, end any) (part, bool, error) {
	if start == nil && end == nil {
		return part{s, 0}, true, nil
	}
	n := runes(s)
	from, _, count, err := sliceKey{start: start, stop: end}.indices(n)
	if err != nil {
		return part{}, false, err
	}
	if i, ok := asInt(start); ok && i > int64(n) {
		return part{}, false, nil
	}
	return part{sliceString(s, from, 1, count), from}, true, nil
}

func findMethod(last, must bool) methodFunc {
	return func(c *Call, self any) (any, error) {
		a, err := c.Unpack("find", "sub", "start?", "end?")
		if err != nil {
			return nil, err
		}
		sub, err := wantStr(a[0], "")
		if err != nil {
			return nil, err
		}
		s, ok, err := within(self.(string), or(a[1], nil), or(a[2], nil))
		if err != nil {
			return nil, err
		}
		i := strings.Index(s.text, sub)
		if last {
			i = strings.LastIndex(s.text, sub)
		}
		if i < 0 || !ok {
			if must {
				return nil, errType("substring not found")
			}
			return int64(-1), nil
		}
		return int64(s.start + runes(s.text[:i])), nil
	}
}

func countMethod(c *Call, self any) (any, error) {
	a, err := c.Unpack("count", "sub", "start?", "end?")
	if err != nil {
		return nil, err
	}
	sub, err := wantStr(a[0], "")
	if err != nil {
		return nil, err
	}
	s, ok, err := within(self.(string), or(a[1], nil), or(a[2], nil))
	if err != nil || !ok {
		return int64(0), err
	}
	return int64(strings.Count(s.text, sub)), nil
}

func replaceMethod(c *Call, self any) (any, error) {
	a, err := c.Unpack("replace", "old", "new", "count?")
	if err != nil {
		return nil, err
	}
	old, err := wantStr(a[0], "")
	if err != nil {
		return nil, err
	}
	with, err := wantStr(a[1], "")
	if err != nil {
		return nil, err
	}
	n, err := wantInt(a[2], -1)
	if err != nil {
		return nil, err
	}
	return c.budget().replace(self.(string), old, with, n)
}

func joinMethod(c *Call, self any) (any, error) {
	a, err := c.Unpack("join", "iterable")
	if err != nil {
		return nil, err
	}
	items, err := c.budget().collect(a[0])
	if err != nil {
		return nil, err
	}
	sep := self.(string)
	parts := make([]string, len(items))
	for i, it := range items {
		s, ok := it.(string)
		if !ok {
			return nil, errType("sequence item %d: expected str instance, %s found", i, typeName(it))
		}
		if err := c.budget().alloc(len(s) + len(sep)); err != nil {
			return nil, err
		}
		parts[i] = s
	}
	return strings.Join(parts, sep), nil
}

func encodeMethod(*Call, any) (any, error) {
	return nil, errType("there are no bytes here: encode is not supported")
}
