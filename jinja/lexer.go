package jinja

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// syntaxError is a fault in the source at a byte offset.
type syntaxError struct {
	off int
	msg string
}

func (e *syntaxError) Error() string { return e.msg }

func syntaxAt(off int, format string, args ...any) error {
	return &syntaxError{off, fmt.Sprintf(format, args...)}
}

// lexer splits a source into tokens. Inside a tag, the end of the tag counts
// only outside of brackets, so that {{ {'a': {}} }} is one expression.
type lexer struct {
	src      string
	pos      int
	opt      *Options
	toks     []token
	brackets []byte
	atLine   bool // the text before pos ended a line, or there was none
}

// normalize turns every line break into \n and, unless told otherwise, drops
// the last one, as jinja2 does.
func normalize(src string, keepLast bool) string {
	if strings.IndexByte(src, '\r') >= 0 {
		src = strings.ReplaceAll(src, "\r\n", "\n")
		src = strings.ReplaceAll(src, "\r", "\n")
	}
	if !keepLast {
		src = strings.TrimSuffix(src, "\n")
	}
	return src
}

// lex returns the tokens of src, which is normalized, ending with tokEOF.
func lex(src string, opt *Options) ([]token, error) {
	l := &lexer{src: src, opt: opt, atLine: true}
	for l.pos < len(l.src) {
		if err := l.root(); err != nil {
			return nil, err
		}
	}
	l.emit(tokEOF, "", len(src))
	return l.toks, nil
}

func (l *lexer) emit(k kind, text string, off int) {
	l.toks = append(l.toks, token{k, text, off})
}

// root reads text up to the next tag, and that tag.
func (l *lexer) root() error {
	start := l.pos
	open := indexTag(l.src[start:])
	if open < 0 {
		l.emit(tokData, l.src[start:], start)
		l.pos = len(l.src)
		return nil
	}
	open += start
	tag := l.src[open+1]
	sign := byte(0)
	if rest := l.src[open+2:]; rest != "" && (rest[0] == '-' || rest[0] == '+') {
		sign = rest[0]
	}
	if text := l.strip(l.src[start:open], sign, tag == '{'); text != "" {
		l.emit(tokData, text, start)
	}
	l.pos = open + 2
	if sign != 0 {
		l.pos++
	}
	switch tag {
	case '#':
		return l.comment(open)
	case '%':
		if end, ok := l.tagNamed("raw", l.pos); ok {
			return l.raw(open, end)
		}
		l.emit(tokBlockBegin, "", open)
		first := len(l.toks)
		if err := l.tag(open, "%}", tokBlockEnd); err != nil {
			return err
		}
		if t := l.toks[first:]; len(t) == 3 && t[0].name("docs") && t[1].kind == tokName {
			return l.docs(open)
		}
		return nil
	}
	l.emit(tokVarBegin, "", open)
	return l.tag(open, "}}", tokVarEnd)
}

// indexTag returns the offset of the next {{, {% or {#, or -1.
func indexTag(s string) int {
	for i := 0; ; {
		j := strings.IndexByte(s[i:], '{')
		if j < 0 || i+j+1 >= len(s) {
			return -1
		}
		i += j
		if c := s[i+1]; c == '{' || c == '%' || c == '#' {
			return i
		}
		i++
	}
}

// strip applies the sign of the tag that follows to text.
func (l *lexer) strip(text string, sign byte, variable bool) string {
	if sign == '-' {
		return strings.TrimRightFunc(text, isSpace)
	}
	if sign == '+' || !l.opt.LstripBlocks || variable {
		return text
	}
	line := strings.LastIndexByte(text, '\n') + 1
	if (line > 0 || l.atLine) && strings.TrimFunc(text[line:], isSpace) == "" {
		return text[:line]
	}
	return text
}

// close consumes the end of a tag if it stands at pos: the sign, the
// delimiter, and the white space that the sign or TrimBlocks takes.
func (l *lexer) close(delim string) bool {
	rest := l.src[l.pos:]
	switch {
	case strings.HasPrefix(rest, "-"+delim):
		rest = strings.TrimLeftFunc(rest[1+len(delim):], isSpace)
	case delim != "}}" && strings.HasPrefix(rest, "+"+delim):
		rest = rest[1+len(delim):]
	case strings.HasPrefix(rest, delim):
		rest = rest[len(delim):]
		if l.opt.TrimBlocks && delim != "}}" {
			rest = strings.TrimPrefix(rest, "\n")
		}
	default:
		return false
	}
	l.pos = len(l.src) - len(rest)
	l.atLine = l.src[l.pos-1] == '\n'
	return true
}

func (l *lexer) comment(open int) error {
	for {
		i := strings.IndexByte(l.src[l.pos:], '#')
		if i < 0 {
			return syntaxAt(open, "missing end of comment tag")
		}
		l.pos += i
		if sign := l.pos - 1; sign >= open+2 && (l.src[sign] == '-' || l.src[sign] == '+') {
			l.pos = sign
			if l.close("#}") {
				return nil
			}
			l.pos = sign + 1
		}
		if l.close("#}") {
			return nil
		}
		l.pos++
	}
}

// tagNamed reports whether the tag whose content starts at pos is exactly
// {% name %}, and where that content ends.
func (l *lexer) tagNamed(name string, pos int) (int, bool) {
	rest := strings.TrimLeftFunc(l.src[pos:], isSpace)
	if !strings.HasPrefix(rest, name) {
		return 0, false
	}
	rest = strings.TrimLeftFunc(rest[len(name):], isSpace)
	for _, end := range []string{"%}", "-%}", "+%}"} {
		if strings.HasPrefix(rest, end) {
			return len(l.src) - len(rest), true
		}
	}
	return 0, false
}

// raw emits everything up to {% endraw %} as text.
func (l *lexer) raw(open, end int) error {
	l.pos = end
	trim := l.opt.TrimBlocks
	if l.src[end] != '-' && trim { // a raw tag keeps the line break after it
		l.pos += len("%}")
		l.atLine = false
	} else {
		l.close("%}")
	}
	start := l.pos
	for {
		i := strings.Index(l.src[l.pos:], "{%")
		if i < 0 {
			return syntaxAt(open, "missing end of raw directive")
		}
		at := l.pos + i
		l.pos = at + 2
		sign := byte(0)
		if l.pos < len(l.src) && (l.src[l.pos] == '-' || l.src[l.pos] == '+') {
			sign = l.src[l.pos]
			l.pos++
		}
		end, ok := l.tagNamed("endraw", l.pos)
		if !ok {
			l.pos = at + 1
			continue
		}
		if text := l.strip(l.src[start:at], sign, false); text != "" {
			l.emit(tokData, text, start)
		}
		l.pos = end
		l.close("%}")
		return nil
	}
}

// docs emits everything up to {% enddocs %} as text, and that tag.
func (l *lexer) docs(open int) error {
	start := l.pos
	for at := start; ; at += 2 {
		i := strings.Index(l.src[at:], "{%")
		if i < 0 {
			return syntaxAt(open, "missing end of docs block: expected 'enddocs'")
		}
		at += i
		l.pos = at + 2
		sign := byte(0)
		if l.pos < len(l.src) && (l.src[l.pos] == '-' || l.src[l.pos] == '+') {
			sign = l.src[l.pos]
			l.pos++
		}
		end, ok := l.tagNamed("enddocs", l.pos)
		if !ok {
			continue
		}
		if text := l.strip(l.src[start:at], sign, false); text != "" {
			l.emit(tokData, text, start)
		}
		l.emit(tokBlockBegin, "", at)
		l.emit(tokName, "enddocs", at)
		l.pos = end
		l.close("%}")
		l.emit(tokBlockEnd, "", end)
		return nil
	}
}

// tag reads the tokens of one tag up to its end.
func (l *lexer) tag(open int, delim string, end kind) error {
	l.brackets = l.brackets[:0]
	for l.pos < len(l.src) {
		if off := l.pos; len(l.brackets) == 0 && l.close(delim) {
			l.emit(end, "", off)
			return nil
		}
		if err := l.one(); err != nil {
			return err
		}
	}
	return syntaxAt(open, "tag is not closed: expected '%s'", delim)
}

// one reads one token inside a tag, or skips white space.
func (l *lexer) one() error {
	off := l.pos
	c := l.src[off]
	switch {
	case c == ' ' || c == '\t' || c == '\n':
		l.pos++
		return nil
	case c == '\'' || c == '"':
		return l.str(c)
	case c >= '0' && c <= '9':
		l.number()
		return nil
	case c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= utf8.RuneSelf:
		return l.ident()
	}
	for _, op := range operators {
		if strings.HasPrefix(l.src[off:], op) {
			if err := l.balance(op, off); err != nil {
				return err
			}
			l.pos += len(op)
			l.emit(tokOp, op, off)
			return nil
		}
	}
	if isSpace(rune(c)) {
		l.pos++
		return nil
	}
	return syntaxAt(off, "unexpected character %s", Repr(string(rune(c))))
}

var operators = []string{
	"//", "**", "==", "!=", ">=", "<=", "+", "-", "/", "*", "%", "~", "[", "]",
	"(", ")", "{", "}", ">", "<", "=", ".", ":", "|", ",", ";",
}

func (l *lexer) balance(op string, off int) error {
	switch op {
	case "{":
		l.brackets = append(l.brackets, '}')
	case "(":
		l.brackets = append(l.brackets, ')')
	case "[":
		l.brackets = append(l.brackets, ']')
	case "}", ")", "]":
		n := len(l.brackets)
		if n == 0 {
			return syntaxAt(off, "unexpected '%s'", op)
		}
		if want := l.brackets[n-1]; want != op[0] {
			return syntaxAt(off, "unexpected '%s', expected '%c'", op, want)
		}
		l.brackets = l.brackets[:n-1]
	}
	return nil
}

func (l *lexer) ident() error {
	off := l.pos
	for i, r := range l.src[off:] {
		if r == utf8.RuneError || r != '_' && !unicode.IsLetter(r) && (i == 0 || !unicode.IsDigit(r) && !unicode.Is(unicode.Mn, r)) {
			break
		}
		l.pos = off + i + utf8.RuneLen(r)
	}
	if l.pos == off {
		r, size := utf8.DecodeRuneInString(l.src[off:])
		if unicode.IsSpace(r) {
			l.pos += size
			return nil
		}
		return syntaxAt(off, "unexpected character %s", Repr(string(r)))
	}
	l.emit(tokName, l.src[off:l.pos], off)
	return nil
}

func (l *lexer) str(quote byte) error {
	off := l.pos
	for i := off + 1; i < len(l.src); i++ {
		switch l.src[i] {
		case '\\':
			i++
		case quote:
			s, err := unescape(l.src[off+1 : i])
			if err != nil {
				return syntaxAt(off, "%s", err)
			}
			l.pos = i + 1
			l.emit(tokString, s, off)
			return nil
		}
	}
	return syntaxAt(off, "string is not closed")
}

var errEscape = errors.New("truncated or unknown escape in string")
