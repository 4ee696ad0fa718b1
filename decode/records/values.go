package records

import (
	"fmt"
	"io"

	"github.com/tidemill/tidemill"
)

// values reads the elements of a JSON array, or JSON values that stand one
// after another. It looks only for where a value ends; whether it is JSON is
// for the decoder to say.
type values struct {
	in    Input
	text  *text
	opts  Options
	row   int64
	array bool
	begun bool
	comma bool // an element came, and no comma after it
	ended bool
}

// Close implements Reader.
func (v *values) Close() { v.text.close() }

// Read implements Reader.
func (v *values) Read() (Rows, error) {
	var out Rows
	if !v.begun {
		v.begun = true
		v.text.mark()
		if c, ok := v.peek(); ok && c == '[' {
			v.text.take(1)
			v.array = true
		}
		if v.opts.resumes() && v.text.failed() == nil {
			v.text.jump(v.in, v.opts.Offset)
			v.row, v.comma = v.opts.Skip, v.array
		}
	}
	for size := 0; !v.ended && size < readBytes && len(out.Texts)+len(out.Bad) < v.opts.Rows; {
		n, err := v.value(&out)
		if err != nil {
			return Rows{}, err
		}
		size += n
	}
	out.Next = v.row
	if !v.ended {
		out.Offset = v.opts.offset(v.text)
	}
	if len(out.Texts)+len(out.Bad) == 0 {
		return out, io.EOF
	}
	return out, nil
}

// peek returns the next byte that is not white space.
func (v *values) peek() (byte, bool) {
	for {
		for i, c := range v.text.unread() {
			if c != ' ' && c != '\t' && c != '\n' && c != '\r' {
				v.text.take(i)
				return c, true
			}
		}
		v.text.take(len(v.text.unread()))
		if v.text.fill() != nil {
			return 0, false
		}
	}
}

// value adds the next value to out and returns its size.
func (v *values) value(out *Rows) (int, error) {
	c, ok := v.peek()
	if !ok {
		return 0, v.eof(out)
	}
	if !v.array {
		return v.scan(out)
	}
	switch {
	case c == ']':
		v.text.take(1)
		v.ended = true
		if _, more := v.peek(); more {
			return 0, v.lose(out, "there is more after the end of the array")
		}
		if err := v.text.failed(); err != nil {
			return 0, err
		}
		if why := v.text.broken(); why != "" {
			return 0, v.lose(out, why)
		}
		return 0, nil
	case c == ',':
		if !v.comma {
			return 0, v.lose(out, "a comma stands where a value should")
		}
		v.text.take(1)
		v.comma = false
		if c, ok := v.peek(); ok && c == ']' {
			return 0, v.lose(out, "the array ends after a comma")
		}
		return 0, nil
	case v.comma:
		return 0, v.lose(out, "no comma stands between two values")
	}
	v.comma = true
	return v.scan(out)
}

// eof: the content ends here, which an array must not.
func (v *values) eof(out *Rows) error {
	if err := v.text.failed(); err != nil {
		return err
	}
	v.ended = true
	switch why := v.text.broken(); {
	case why != "":
		return v.lose(out, why)
	case v.array:
		return v.lose(out, "the file ends within the array")
	}
	return nil
}

// lose makes all that is left one bad row.
func (v *values) lose(out *Rows, why string) error {
	v.ended = true
	b, err := v.text.rest(v.row, v.opts.MaxRow, why)
	if err != nil {
		return err
	}
	v.row++
	if b.Row >= v.opts.Skip {
		out.Bad = append(out.Bad, b)
	}
	return nil
}

// scan finds the end of the value that begins here.
func (v *values) scan(out *Rows) (int, error) {
	var s scanner
	start, kept, dropped := v.text.off, []byte(nil), false
	for at := 0; ; {
		unread := v.text.unread()
		n, done := s.next(unread[at:])
		at += n
		if done {
			return v.finish(out, start, kept, v.text.take(at), dropped, s.deep)
		}
		if at > v.opts.MaxRow || dropped {
			if !dropped {
				kept, dropped = keep(unread, v.opts.MaxRow), true
			}
			v.text.take(at)
			at = 0
		}
		if v.text.fill() == nil {
			continue
		}
		if err := v.text.failed(); err != nil {
			return 0, err
		}
		if v.text.broken() == "" && s.whole() && !dropped && !v.array {
			return v.finish(out, start, kept, v.text.take(at), dropped, s.deep)
		}
		if dropped {
			v.ended = true
			return v.finish(out, start, kept, v.text.take(at), dropped, s.deep)
		}
		return 0, v.lose(out, "the file ends within a value")
	}
}

// finish hands over a value.
func (v *values) finish(out *Rows, start int64, kept, value []byte, dropped, deep bool) (int, error) {
	row := v.row
	v.row++
	size := v.text.off - start
	switch {
	case row < v.opts.Skip:
		return 0, nil
	case dropped:
		out.Bad = append(out.Bad, tooLarge(row, start, kept, size, v.opts.MaxRow))
		return len(kept), nil
	case size > int64(v.opts.MaxRow):
		out.Bad = append(out.Bad, tooLarge(row, start, value, size, v.opts.MaxRow))
	case deep:
		out.Bad = append(out.Bad, Bad{
			Row: row, Offset: start, Code: tidemill.Malformed, Bytes: keep(value, v.opts.MaxRow), Size: size,
			Reason: fmt.Sprintf("json: nested deeper than %d levels", maxDepth),
		})
	default:
		out.Texts = append(out.Texts, Text{Row: row, Offset: start, Value: value})
	}
	return len(value), nil
}

// scanner finds the end of a JSON value in pieces of text.
type scanner struct {
	depth   int
	begun   bool
	bare    bool // a number or a word, which ends before what cannot be part of it
	quoted  bool
	escaped bool
	deep    bool
}

// whole reports whether the value may end with the content.
func (s *scanner) whole() bool { return s.begun && s.bare && s.depth == 0 && !s.quoted }

// next returns how many bytes of b belong to the value, and whether it ends
// with them.
func (s *scanner) next(b []byte) (int, bool) {
	for i, c := range b {
		if s.quoted {
			switch {
			case s.escaped:
				s.escaped = false
			case c == '\\':
				s.escaped = true
			case c == '"':
				if s.quoted = false; s.depth == 0 {
					return i + 1, true
				}
			}
			continue
		}
		if s.bare && s.depth == 0 {
			if ends(c) {
				return i, true
			}
			continue
		}
		switch c {
		case '"':
			s.quoted = true
		case '{', '[':
			s.depth++
			s.deep = s.deep || s.depth > maxDepth
		case '}', ']':
			if s.depth--; s.depth <= 0 {
				return i + 1, true
			}
		default:
			if s.depth == 0 {
				s.bare = true
			}
		}
		s.begun = true
	}
	return len(b), false
}

// ends reports whether c cannot be part of a number or a word.
func ends(c byte) bool {
	switch c {
	case ' ', '\t', '\n', '\r', ',', ']', '}', '{', '[', '"':
		return true
	}
	return false
}
