package jinja

import (
	"fmt"
	"math"
	"net/url"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// wordWrapFilter breaks lines at blanks so that none is longer than width.
func wordWrapFilter(c *Call) (any, error) {
	a, err := c.Unpack("wordwrap", "s", "width?", "break_long_words?", "wrapstring?", "break_on_hyphens?")
	if err != nil {
		return nil, err
	}
	s, err := wantStr(a[0], "")
	if err != nil {
		return nil, err
	}
	width, err := wantInt(a[1], 79)
	if err != nil {
		return nil, err
	}
	if width < 1 {
		return nil, fmt.Errorf("invalid width %d (must be > 0)", width)
	}
	sep, err := wantStr(a[3], "\n")
	if err != nil {
		return nil, err
	}
	long := Truth(or(a[2], true))
	var lines []string
	for _, line := range splitLines(s, false) {
		wrapped := wrap(line, width, long, Truth(or(a[4], true)))
		lines = append(lines, strings.Join(wrapped, sep))
	}
	if err := c.budget().alloc(len(s) * (1 + len(sep))); err != nil {
		return nil, err
	}
	return strings.Join(lines, sep), nil
}

func wrap(line string, width int, breakLong, hyphens bool) []string {
	chunk := regexp.MustCompile(`[ \t]+|[^ \t]+`)
	if hyphens {
		chunk = regexp.MustCompile(`[ \t]+|[^ \t-]*\w-|[^ \t-]+|-`)
	}
	var out []string
	cur, n := "", 0
	flush := func() {
		if t := strings.TrimRight(cur, " \t"); t != "" {
			out = append(out, t)
		}
		cur, n = "", 0
	}
	for _, w := range chunk.FindAllString(line, -1) {
		size := runes(w)
		if n+size > width && n > 0 && !(breakLong && size > width) {
			flush()
		}
		if n == 0 && strings.Trim(w, " \t") == "" && len(out) > 0 {
			continue
		}
		for breakLong && n+size > width {
			rs := []rune(w)
			k := width - n
			cur += string(rs[:k])
			flush()
			w, size = string(rs[k:]), size-k
		}
		cur += w
		n += size
	}
	flush()
	return out
}

func escapeHTML(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&#34;", "'", "&#39;").Replace(s)
}

var tags = regexp.MustCompile(`(?s)<!--.*?-->|<.*?>`)

func stripTags(s string) string {
	s = tags.ReplaceAllString(s, "")
	s = strings.NewReplacer("&amp;", "&", "&lt;", "<", "&gt;", ">", "&#34;", `"`, "&quot;", `"`, "&#39;", "'").Replace(s)
	return strings.Join(strings.FieldsFunc(s, isSpace), " ")
}

func urlEncodeFilter(c *Call) (any, error) {
	a, err := c.Unpack("urlencode", "value")
	if err != nil {
		return nil, err
	}
	b := c.budget()
	if _, ok := a[0].(string); ok || !isIterable(a[0]) {
		s, err := b.str(a[0])
		if err != nil {
			return nil, err
		}
		return quoteURL(s, "/"), b.alloc(3 * len(s))
	}
	src := a[0]
	if d, ok := src.(*Dict); ok {
		src = &view{d, viewItems}
	}
	pairs, err := b.collect(src)
	if err != nil {
		return nil, err
	}
	var parts []string
	for _, p := range pairs {
		kv, err := b.collect(p)
		if err != nil || len(kv) != 2 {
			return nil, errType("urlencode expects pairs")
		}
		k, err := b.str(kv[0])
		if err != nil {
			return nil, err
		}
		v, err := b.str(kv[1])
		if err != nil {
			return nil, err
		}
		parts = append(parts, url.QueryEscape(k)+"="+url.QueryEscape(v))
	}
	out := strings.Join(parts, "&")
	return out, b.alloc(len(out))
}

func quoteURL(s, safe string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		if c < utf8.RuneSelf && (unicode.IsLetter(rune(c)) || unicode.IsDigit(rune(c)) || strings.ContainsRune("_.-~"+safe, rune(c))) {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

func fileSizeFilter(c *Call) (any, error) {
	a, err := c.Unpack("filesizeformat", "value", "binary?")
	if err != nil {
		return nil, err
	}
	v := a[0]
	if s, ok := v.(string); ok {
		f, ok := parseFloat(s)
		if !ok {
			return nil, errType("could not convert string to float: %s", Repr(s))
		}
		v = f
	}
	n, err := asFloat(v)
	if err != nil {
		return nil, err
	}
	base, units := 1000.0, []string{"kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB"}
	if Truth(or(a[1], false)) {
		base, units = 1024.0, []string{"KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB"}
	}
	switch {
	case n == 1:
		return "1 Byte", nil
	case n < base:
		return fmt.Sprintf("%d Bytes", int64(n)), nil
	}
	unit := base
	for i, u := range units {
		unit *= base
		if n < unit || i == len(units)-1 {
			return fmt.Sprintf("%.1f %s", base*n/unit, u), nil
		}
	}
	return nil, fmt.Errorf("cannot format %v", math.Abs(n))
}

func pprintFilter(c *Call) (any, error) {
	a, err := c.Unpack("pprint", "value")
	if err != nil {
		return nil, err
	}
	w := textWriter{max: c.frame.run.lim.Output}
	w.repr(a[0], 0)
	if w.err != nil {
		return nil, w.err
	}
	return w.b.String(), c.budget().alloc(w.b.Len())
}

func xmlAttrFilter(c *Call) (any, error) {
	a, err := c.Unpack("xmlattr", "d", "autospace?")
	if err != nil {
		return nil, err
	}
	d, ok := a[0].(*Dict)
	if !ok {
		return nil, errType("'%s' object has no attribute 'items'", typeName(a[0]))
	}
	var parts []string
	for k, v := range d.All() {
		if v == nil || isUndefined(v) {
			continue
		}
		key, err := c.budget().str(k)
		if err != nil {
			return nil, err
		}
		if strings.ContainsAny(key, " \t\n\r\f/>=") {
			return nil, fmt.Errorf("invalid character in attribute name: %s", Repr(key))
		}
		val, err := c.budget().str(v)
		if err != nil {
			return nil, err
		}
		parts = append(parts, escapeHTML(key)+`="`+escapeHTML(val)+`"`)
	}
	out := strings.Join(parts, " ")
	if out != "" && Truth(or(a[1], true)) {
		out = " " + out
	}
	return out, c.budget().alloc(len(out))
}
