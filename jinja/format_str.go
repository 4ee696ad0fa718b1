package jinja

import (
	"errors"
	"strconv"
	"strings"
)

func formatMethod(c *Call, self any) (any, error) {
	f := &formatter{c: c, args: c.Args, kwargs: c.Kwarg}
	return f.format(self.(string), 2)
}

func formatMapMethod(c *Call, self any) (any, error) {
	a, err := c.Unpack("format_map", "mapping")
	if err != nil {
		return nil, err
	}
	d, ok := a[0].(*Dict)
	if !ok {
		return nil, errType("format_map() argument must be a dict, not %s", typeName(a[0]))
	}
	f := &formatter{c: c, kwargs: func(name string) (any, bool) { return d.Get(name) }}
	return f.format(self.(string), 2)
}

// formatter carries out str.format.
type formatter struct {
	c      *Call
	args   []any
	kwargs func(string) (any, bool)
	next   int  // the argument of the next {}
	manual bool // a {0} was seen
}

// format replaces the fields of s; depth bounds fields inside of fields.
func (f *formatter) format(s string, depth int) (string, error) {
	if depth == 0 {
		return "", errors.New("max string recursion exceeded")
	}
	var b strings.Builder
	for s != "" {
		i := strings.IndexAny(s, "{}")
		if i < 0 {
			b.WriteString(s)
			break
		}
		b.WriteString(s[:i])
		if i+1 < len(s) && s[i+1] == s[i] {
			b.WriteByte(s[i])
			s = s[i+2:]
			continue
		}
		if s[i] == '}' {
			return "", errors.New("single '}' encountered in format string")
		}
		field, rest, err := fieldOf(s[i+1:])
		if err != nil {
			return "", err
		}
		text, err := f.field(field, depth)
		if err != nil {
			return "", err
		}
		if err := f.c.budget().alloc(len(text)); err != nil {
			return "", err
		}
		b.WriteString(text)
		s = rest
	}
	return b.String(), f.c.budget().alloc(b.Len())
}

// fieldOf splits what follows { at the } that ends it.
func fieldOf(s string) (field, rest string, err error) {
	level := 1
	for i := range len(s) {
		switch s[i] {
		case '{':
			level++
		case '}':
			if level--; level == 0 {
				return s[:i], s[i+1:], nil
			}
		}
	}
	return "", "", errors.New("expected '}' before end of string")
}

func (f *formatter) field(s string, depth int) (string, error) {
	name, text := s, ""
	if i := strings.IndexByte(s, ':'); i >= 0 && !strings.Contains(s[:i], "[") {
		name, text = s[:i], s[i+1:]
	}
	conv := byte(0)
	if i := strings.IndexByte(name, '!'); i >= 0 {
		if len(name) != i+2 {
			return "", errors.New("expected one character after '!' in a format field")
		}
		conv, name = name[i+1], name[:i]
	}
	v, err := f.value(name)
	if err != nil {
		return "", err
	}
	if strings.Contains(text, "{") {
		if text, err = f.format(text, depth-1); err != nil {
			return "", err
		}
	}
	b := f.c.budget()
	switch conv {
	case 0:
		return b.formatValue(v, text)
	case 's':
		v, err = b.str(v)
	case 'r', 'a':
		w := textWriter{max: b.lim.Output}
		w.repr(v, 0)
		v, err = w.b.String(), w.err
	default:
		return "", errors.New("unknown conversion in a format field")
	}
	if err != nil {
		return "", err
	}
	return b.formatValue(v, text)
}

// value finds the argument that a field names, with .attr and [key] after it.
func (f *formatter) value(name string) (any, error) {
	i := strings.IndexAny(name, ".[")
	if i < 0 {
		i = len(name)
	}
	v, err := f.argument(name[:i])
	rest := name[i:]
	for err == nil && rest != "" {
		var key string
		if rest[0] == '.' {
			if i = strings.IndexAny(rest[1:], ".[") + 1; i == 0 {
				i = len(rest)
			}
			key, rest = rest[1:i], rest[i:]
			v, err = f.c.frame.getAttr(v, key)
		} else {
			if i = strings.IndexByte(rest, ']'); i < 0 {
				return nil, errors.New("expected ']' in a format field")
			}
			key, rest = rest[1:i], rest[i+1:]
			if n, e := strconv.Atoi(key); e == nil {
				v, err = f.c.frame.getItem(v, int64(n))
			} else {
				v, err = f.c.frame.getItem(v, key)
			}
		}
		if u, ok := v.(*Undefined); ok && err == nil {
			err = u.Err()
		}
	}
	return v, err
}

func (f *formatter) argument(name string) (any, error) {
	n, err := strconv.Atoi(name)
	switch {
	case name == "":
		if f.manual {
			return nil, errors.New("cannot switch from manual field specification to automatic field numbering")
		}
		n = f.next
		f.next++
	case err == nil:
		if f.next > 0 {
			return nil, errors.New("cannot switch from automatic field numbering to manual field specification")
		}
		f.manual = true
	default:
		if v, ok := f.kwargs(name); ok {
			return v, nil
		}
		return nil, errType("format has no argument '%s'", name)
	}
	if n < 0 || n >= len(f.args) {
		return nil, errors.New("replacement index " + strconv.Itoa(n) + " out of range for positional args tuple")
	}
	return f.args[n], nil
}
