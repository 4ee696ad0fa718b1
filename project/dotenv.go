package project

import (
	"errors"
	"io/fs"
	"os"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/project/conf"
)

// readEnv returns the variables of .env in the folder; none if it is missing.
func readEnv(file string, errs *conf.Errors) map[string]string {
	src, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		errs.Add(startOf(file), "make it readable, or remove it", "read variables: %w", err)
		return nil
	}
	vars, err := parseEnv(file, string(src))
	if err != nil {
		addAll(errs, err)
	}
	return vars
}

// addAll adds the errors that another part of the package has gathered.
func addAll(errs *conf.Errors, err error) {
	for _, e := range Split(err) {
		errs.Add(e.Pos, e.Hint, "%w", e.Err)
	}
}

var envName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// parseEnv reads NAME=value lines as .env files have them: comments, an
// export before the name, '...' as it stands, "..." with \n \t \r \" \\ \$
// and over several lines, and plain values up to a # after a space. Of two
// lines with one name the later holds. Its errors never show a value.
func parseEnv(file, src string) (map[string]string, error) {
	p := envParser{file: file, rest: strings.TrimPrefix(src, "\ufeff"), line: 1, vars: map[string]string{}}
	for p.rest != "" {
		p.next()
	}
	return p.vars, p.errs.Err()
}

type envParser struct {
	file string
	rest string
	line int // of the start of rest
	vars map[string]string
	errs conf.Errors
}

// next reads one entry, which may span lines.
func (p *envParser) next() {
	line, _, _ := strings.Cut(p.rest, "\n")
	entry := strings.TrimSpace(line)
	if entry == "" || entry[0] == '#' {
		p.skip(len(line) + 1)
		return
	}
	name, _, found := strings.Cut(line, "=")
	start := len(name) + 1
	if after, ok := strings.CutPrefix(strings.TrimSpace(name), "export"); ok && after != "" && strings.TrimLeft(after, " \t") != after {
		name = after
	}
	name = strings.TrimSpace(name)
	switch {
	case !found:
		p.fail(line, 0, "write NAME=value", "the line has no =")
	case !envName.MatchString(name):
		p.fail(line, 0, "names have letters, digits and _ and do not begin with a digit", "what stands before = is no name")
	default:
		for start < len(line) && (line[start] == ' ' || line[start] == '\t') {
			start++
		}
		p.value(name, line, start)
		return
	}
	p.skip(len(line) + 1)
}

// value reads what begins at the byte start of line and stores it.
func (p *envParser) value(name, line string, start int) {
	text := line[start:]
	switch {
	case strings.HasPrefix(text, "'"):
		v, after, closed := strings.Cut(text[1:], "'")
		if !closed {
			p.fail(line, start, "close it on the same line, or use double quotes", "the value of %s begins with ' and has no second one", name)
		} else if p.trailing(line, len(line)-len(after), name) {
			p.vars[name] = v
		}
		p.skip(len(line) + 1)
	case strings.HasPrefix(text, `"`):
		p.quoted(name, line, start)
	default:
		for i := range text {
			if text[i] == '#' && (i == 0 || text[i-1] == ' ' || text[i-1] == '\t') {
				text = text[:i]
				break
			}
		}
		p.vars[name] = strings.TrimSpace(text)
		p.skip(len(line) + 1)
	}
}

var escapes = map[byte]byte{'n': '\n', 't': '\t', 'r': '\r', '"': '"', '\\': '\\', '$': '$'}

// quoted reads a value in double quotes, which may hold line breaks.
func (p *envParser) quoted(name, line string, start int) {
	var b strings.Builder
	for i := start + 1; i < len(p.rest); i++ {
		c := p.rest[i]
		if c == '"' {
			begin := strings.LastIndexByte(p.rest[:i], '\n') + 1
			p.skip(begin)
			last, _, _ := strings.Cut(p.rest, "\n")
			if p.trailing(last, i-begin+1, name) {
				p.vars[name] = b.String()
			}
			p.skip(len(last) + 1)
			return
		}
		if c == '\r' && strings.HasPrefix(p.rest[i+1:], "\n") {
			continue
		}
		if c == '\\' && i+1 < len(p.rest) {
			if e, ok := escapes[p.rest[i+1]]; ok {
				c = e
				i++
			}
		}
		b.WriteByte(c)
	}
	p.fail(line, start, `end the value with "`, "the value of %s has no closing quote", name)
	p.skip(len(line) + 1)
}

// trailing reports whether nothing but a comment follows a quoted value.
func (p *envParser) trailing(line string, at int, name string) bool {
	rest := strings.TrimSpace(line[at:])
	if rest == "" || rest[0] == '#' {
		return true
	}
	at += strings.Index(line[at:], rest[:1])
	p.fail(line, at, "put all of the value into one pair of quotes", "text follows the quoted value of %s", name)
	return false
}

func (p *envParser) fail(line string, at int, hint, format string, args ...any) {
	pos := tidemill.Pos{File: p.file, Line: p.line, Column: utf8.RuneCountInString(line[:at]) + 1}
	p.errs.Add(pos, hint, format, args...)
}

// skip moves on by n bytes, or to the end.
func (p *envParser) skip(n int) {
	n = min(n, len(p.rest))
	p.line += strings.Count(p.rest[:n], "\n")
	p.rest = p.rest[n:]
}
