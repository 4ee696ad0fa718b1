package redact

import (
	"bytes"
	"encoding/json"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
)

// minLength is the shortest value, in bytes, that Text looks for: shorter
// ones would take "dev" or "1" out of every sentence.
const minLength = 4

// known holds the registered values. Text reads forms without a lock.
var known struct {
	mu     sync.Mutex
	values map[string]bool
	forms  atomic.Pointer[[]string] // every spelling of every value
}

// Register makes Text take value out of all text from now on, as it is and
// as it looks in URLs, JSON and Go strings. Values under four bytes are not
// registered; Text hides them only as the password of a URL. Register may be
// called from several goroutines, and twice with the same value.
func Register(value string) {
	if len(value) < minLength || strings.Trim(value, "*") == "" {
		return
	}
	known.mu.Lock()
	defer known.mu.Unlock()
	if known.values[value] {
		return
	}
	if known.values == nil {
		known.values = map[string]bool{}
	}
	known.values[value] = true
	added := spellings(value)
	slices.Sort(added)
	var forms []string // a new slice: Text may be reading the old one
	if old := known.forms.Load(); old != nil {
		forms = append(forms, *old...)
	}
	forms = append(forms, slices.Compact(added)...)
	known.forms.Store(&forms)
}

// spellings returns v as the encoders between here and a log may write it.
func spellings(v string) []string {
	out := []string{v, strings.TrimSpace(v), url.QueryEscape(v), url.PathEscape(v)}
	_, user, _ := strings.Cut(url.UserPassword("", v).String(), ":")
	out = append(out, user, percentAll(v))
	for _, s := range slices.Clone(out[2:]) {
		out = append(out, lowerEscapes(s))
	}
	out = append(out, inner(strconv.Quote(v)), inner(strconv.QuoteToASCII(v)))
	out = append(out, jsonText(v, true), jsonText(v, false))
	return slices.DeleteFunc(out, func(s string) bool { return len(s) < minLength })
}

func inner(quoted string) string { return quoted[1 : len(quoted)-1] }

func jsonText(v string, html bool) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(html)
	if e.Encode(v) != nil {
		return ""
	}
	return inner(strings.TrimSuffix(b.String(), "\n"))
}

// percentAll escapes every byte that is not a letter, a digit or one of -._~.
func percentAll(v string) string {
	return strings.ReplaceAll(url.QueryEscape(v), "+", "%20")
}

var escape = regexp.MustCompile(`%[0-9A-F]{2}`)

func lowerEscapes(s string) string { return escape.ReplaceAllStringFunc(s, strings.ToLower) }

// Text returns s with *** in the place of every registered value and of the
// password of every URL.
func Text(s string) string {
	return passwords(values(s))
}

// values hides the registered values. All of them are found before any is
// replaced, so that two which overlap leave nothing of either.
func values(s string) string {
	forms := known.forms.Load()
	if forms == nil {
		return s
	}
	var found []span
	for _, f := range *forms {
		for from := 0; ; {
			i := strings.Index(s[from:], f)
			if i < 0 {
				break
			}
			found = append(found, span{from + i, from + i + len(f)})
			from += i + 1
		}
	}
	return hide(s, found)
}

// credentials finds the start of what may be a URL with a password.
var credentials = regexp.MustCompile(`[a-zA-Z][a-zA-Z0-9+.\-]*://[^\s:/@?#"'<>]*:`)

func passwords(s string) string { return hide(s, passwordSpans(s, " \t\r\n\"'<>`")) }

// passwordSpans finds what stands between the user's name and the host, also
// where it holds characters that should have been escaped. A URL ends before
// any of the bytes of ends.
func passwordSpans(s, ends string) []span {
	if !strings.Contains(s, "://") {
		return nil
	}
	var found []span
	for _, m := range credentials.FindAllStringIndex(s, -1) {
		rest := s[m[1]:]
		if end := strings.IndexAny(rest, ends); end >= 0 {
			rest = rest[:end]
		}
		if next := strings.Index(rest, "://"); next >= 0 {
			rest = rest[:next]
		}
		authority, _, _ := strings.Cut(rest, "/")
		at := strings.LastIndexByte(authority, '@')
		if _, err := strconv.ParseUint(authority, 10, 16); at < 0 && err != nil {
			at = strings.LastIndexByte(rest, '@') // an unescaped slash in the password
		}
		if at > 0 {
			found = append(found, span{m[1], m[1] + at})
		}
	}
	return found
}

// span is a range of bytes.
type span struct{ from, to int }

// hide replaces the spans of s, which may overlap, by the mask.
func hide(s string, spans []span) string {
	if len(spans) == 0 {
		return s
	}
	slices.SortFunc(spans, func(a, b span) int { return a.from - b.from })
	var b strings.Builder
	end := 0
	for i := 0; i < len(spans); {
		at := spans[i]
		for i++; i < len(spans) && spans[i].from <= at.to; i++ {
			at.to = max(at.to, spans[i].to)
		}
		b.WriteString(s[end:at.from])
		b.WriteString(Mask)
		end = at.to
	}
	b.WriteString(s[end:])
	return b.String()
}

// RegisterURL registers the passwords of the URLs in s, escaped and not. Of
// these s is made: a quote in it is part of a URL, not its end.
func RegisterURL(s string) {
	for _, at := range passwordSpans(s, " \t\r\n") {
		Register(s[at.from:at.to])
		if plain, err := url.PathUnescape(s[at.from:at.to]); err == nil {
			Register(plain)
		}
	}
}
