package jinja

import (
	"errors"
	"fmt"
	"math/big"
	"strings"
)

// percent carries out s % args, as printf does.
func (b *budget) percent(s string, args any) (any, error) {
	p := &printf{b: b}
	switch a := args.(type) {
	case Tuple:
		p.args = a
	case *Dict:
		p.mapping, p.args, p.loose = a, []any{a}, true
	case *List, *Undefined, *rangeValue:
		p.args, p.loose = []any{a}, true
	default:
		p.args = []any{args}
	}
	var out strings.Builder
	for s != "" {
		i := strings.IndexByte(s, '%')
		if i < 0 {
			out.WriteString(s)
			break
		}
		out.WriteString(s[:i])
		text, rest, err := p.field(s[i+1:])
		if err != nil {
			return nil, err
		}
		if err := b.alloc(len(text)); err != nil {
			return nil, err
		}
		out.WriteString(text)
		s = rest
	}
	if len(p.args) > 0 && !p.loose {
		return nil, errType("not all arguments converted during string formatting")
	}
	return out.String(), b.alloc(out.Len())
}

type printf struct {
	b       *budget
	args    []any
	mapping *Dict
	loose   bool // what has items need not be used
}

func (p *printf) take() (any, error) {
	if len(p.args) == 0 {
		return nil, errType("not enough arguments for format string")
	}
	v := p.args[0]
	p.args = p.args[1:]
	return v, nil
}

// field formats what follows one % and returns the rest of the string.
func (p *printf) field(s string) (text, rest string, err error) {
	if strings.HasPrefix(s, "%") {
		return "%", s[1:], nil
	}
	var v any
	named := false
	if strings.HasPrefix(s, "(") {
		end := strings.IndexByte(s, ')')
		if end < 0 {
			return "", "", errors.New("incomplete format key")
		}
		if p.mapping == nil {
			return "", "", errType("format requires a mapping")
		}
		var ok bool
		if v, ok = p.mapping.Get(s[1:end]); !ok {
			return "", "", keyError(s[1:end])
		}
		named, s = true, s[end+1:]
	}
	f, s, err := p.flags(s)
	if err != nil {
		return "", "", err
	}
	if s == "" {
		return "", "", errors.New("incomplete format")
	}
	verb := s[0]
	if !named {
		if v, err = p.take(); err != nil {
			return "", "", err
		}
	}
	text, err = p.convert(f, verb, v)
	return text, s[1:], err
}

// flags reads flags, width, precision and the length that C has.
func (p *printf) flags(s string) (spec, string, error) {
	f := spec{fill: " ", align: '>', precision: -1}
	left := false
	for s != "" && strings.IndexByte("-+ #0", s[0]) >= 0 {
		switch s[0] {
		case '-':
			left = true
		case '0':
			f.zero = true
		case '#':
			f.alt = true
		case '+':
			f.sign = '+'
		case ' ':
			if f.sign == 0 {
				f.sign = ' '
			}
		}
		s = s[1:]
	}
	var err error
	if f.width, s, err = p.size(s); err != nil {
		return f, s, err
	}
	if f.width < 0 {
		left, f.width = true, -f.width
	}
	if strings.HasPrefix(s, ".") {
		if f.precision, s, err = p.size(s[1:]); err != nil {
			return f, s, err
		}
		f.precision = max(f.precision, 0)
	}
	for s != "" && strings.IndexByte("hlL", s[0]) >= 0 {
		s = s[1:]
	}
	if left {
		f.align, f.zero = '<', false
	}
	return f, s, nil
}

func (p *printf) size(s string) (int, string, error) {
	if !strings.HasPrefix(s, "*") {
		return leadingInt(s)
	}
	v, err := p.take()
	if err != nil {
		return 0, s, err
	}
	n, ok := asInt(v)
	if !ok {
		return 0, s, errType("* wants int")
	}
	if n > maxPad || n < -maxPad {
		return 0, s, fmt.Errorf("width or precision in a format is over %d", maxPad)
	}
	return int(n), s[1:], nil
}

func (p *printf) convert(f spec, verb byte, v any) (string, error) {
	switch verb {
	case 's', 'r', 'a':
		w := textWriter{max: p.b.lim.Output}
		if verb == 's' {
			w.str(v)
		} else {
			w.repr(v, 0)
		}
		if w.err != nil {
			return "", w.err
		}
		f.alt, f.sign, f.zero = false, 0, false
		return f.str(p.b, w.b.String())
	case 'c':
		if s, ok := v.(string); ok {
			if runes(s) != 1 {
				return "", errType("%%c requires int or char")
			}
			f.sign, f.alt = 0, false
			return f.str(p.b, s)
		}
		f.verb, f.sign, f.alt = 'c', 0, false
		n, ok := asBig(v)
		if !ok {
			return "", errType("%%c requires int or char")
		}
		return f.int(p.b, n)
	}
	if u, ok := v.(*Undefined); ok {
		return "", u.Err()
	}
	if f.zero {
		f.fill, f.align = "0", '='
	}
	switch verb {
	case 'd', 'i', 'u', 'x', 'X', 'o':
		return p.integer(f, verb, v)
	case 'e', 'E', 'f', 'F', 'g', 'G':
		n, err := asFloat(v)
		if err != nil {
			return "", err
		}
		f.verb = verb
		return f.float(p.b, n)
	}
	return "", fmt.Errorf("unsupported format character '%c'", verb)
}

func (p *printf) integer(f spec, verb byte, v any) (string, error) {
	decimal := verb == 'd' || verb == 'i' || verb == 'u'
	if x, ok := v.(float64); ok && decimal && x-x == 0 {
		v = truncate(x)
	}
	n, ok := asBig(v)
	if !ok {
		return "", errType("%%%c format: a real number is required, not %s", verb, typeName(v))
	}
	f.verb = verb
	if decimal {
		f.verb = 'd'
	}
	if f.precision < 0 {
		return f.int(p.b, n)
	}
	digits, err := spec{fill: "0", align: '>', width: f.precision, precision: -1, verb: f.verb}.int(p.b, new(big.Int).Abs(n))
	if err != nil {
		return "", err
	}
	return f.number(p.b, n.Sign() < 0, "", digits, "", 3)
}
