package canon

import (
	"fmt"
	"math"
	"slices"
)

// Parse reads one JSON text and returns its value, which is valid until the
// next Parse and as long as src is not changed.
func (d *Doc) Parse(src []byte) (Value, error) {
	d.src, d.text, d.nodes, d.order = src, d.text[:0], d.nodes[:0], d.order[:0]
	if len(src) > math.MaxInt32 {
		return Value{}, ErrTooLarge
	}
	end, err := d.value(skipSpace(src, 0), 0)
	if err != nil {
		return Value{}, err
	}
	if end = skipSpace(src, end); end < len(src) {
		return Value{}, &SyntaxError{end, "text after the value"}
	}
	return Value{d, 0}, nil
}

func skipSpace(s []byte, i int) int {
	for i < len(s) && (s[i] == ' ' || s[i] == '\n' || s[i] == '\t' || s[i] == '\r') {
		i++
	}
	return i
}

// value parses the value that begins at i and returns the offset after it.
func (d *Doc) value(i, depth int) (int, error) {
	if i >= len(d.src) {
		return i, &SyntaxError{i, "unexpected end"}
	}
	if len(d.nodes) >= MaxValues {
		return i, ErrTooMany
	}
	switch c := d.src[i]; c {
	case '{':
		return d.object(i, depth)
	case '[':
		return d.array(i, depth)
	case '"':
		return d.string(i)
	case 't':
		return d.literal(i, True, "true")
	case 'f':
		return d.literal(i, False, "false")
	case 'n':
		return d.literal(i, Null, "null")
	default:
		if c == '-' || '0' <= c && c <= '9' {
			return d.number(i)
		}
		return i, unexpected(d.src, i)
	}
}

func unexpected(s []byte, i int) error {
	if i >= len(s) {
		return &SyntaxError{i, "unexpected end"}
	}
	return &SyntaxError{i, fmt.Sprintf("unexpected %q", s[i])}
}

// leaf adds a node without children and returns end.
func (d *Doc) leaf(kind Kind, start, end int) int {
	d.nodes = append(d.nodes, node{kind: kind, start: int32(start), end: int32(end), next: int32(len(d.nodes) + 1), order: -1})
	return end
}

func (d *Doc) literal(i int, kind Kind, word string) (int, error) {
	end := i + len(word)
	if end > len(d.src) || string(d.src[i:end]) != word {
		return i, &SyntaxError{i, "unknown word"}
	}
	return d.leaf(kind, i, end), nil
}

func (d *Doc) number(i int) (int, error) {
	end, ok := scanNumber(d.src, i)
	if !ok {
		return i, &SyntaxError{i, "malformed number"}
	}
	return d.leaf(Number, i, end), nil
}

func (d *Doc) array(i, depth int) (int, error) {
	if depth >= MaxDepth {
		return i, &SyntaxError{i, fmt.Sprintf("more than %d levels", MaxDepth)}
	}
	self, start := len(d.nodes), i
	d.leaf(Array, i, i)
	count := int32(0)
	i = skipSpace(d.src, i+1)
	for i >= len(d.src) || d.src[i] != ']' {
		var err error
		if i, err = d.value(i, depth+1); err != nil {
			return i, err
		}
		count++
		if i, err = d.separator(i, ']'); err != nil {
			return i, err
		}
	}
	d.close(self, start, i+1, count)
	return i + 1, nil
}

// separator steps over the comma before the next element, or stops at the
// closing bracket.
func (d *Doc) separator(i int, closing byte) (int, error) {
	i = skipSpace(d.src, i)
	if i < len(d.src) {
		switch d.src[i] {
		case closing:
			return i, nil
		case ',':
			if i = skipSpace(d.src, i+1); i < len(d.src) && d.src[i] == closing {
				return i, unexpected(d.src, i)
			}
			return i, nil
		}
	}
	return i, unexpected(d.src, i)
}

func (d *Doc) close(self, start, end int, count int32) {
	n := &d.nodes[self]
	n.start, n.end, n.next, n.count = int32(start), int32(end), int32(len(d.nodes)), count
}

func (d *Doc) object(i, depth int) (int, error) {
	if depth >= MaxDepth {
		return i, &SyntaxError{i, fmt.Sprintf("more than %d levels", MaxDepth)}
	}
	self, start := len(d.nodes), i
	d.leaf(Object, i, i)
	count, sorted, last := int32(0), true, int32(-1)
	i = skipSpace(d.src, i+1)
	for i >= len(d.src) || d.src[i] != '}' {
		name := int32(len(d.nodes))
		var err error
		if i, err = d.member(i, depth); err != nil {
			return i, err
		}
		if last >= 0 && sorted {
			sorted = CompareNames(Value{d, last}.Bytes(), Value{d, name}.Bytes()) < 0
		}
		last = name
		count++
		if i, err = d.separator(i, '}'); err != nil {
			return i, err
		}
	}
	d.close(self, start, i+1, count)
	if !sorted {
		return i + 1, d.sort(self)
	}
	return i + 1, nil
}

func (d *Doc) member(i, depth int) (int, error) {
	if i >= len(d.src) || d.src[i] != '"' {
		return i, unexpected(d.src, i)
	}
	i, err := d.string(i)
	if err != nil {
		return i, err
	}
	if i = skipSpace(d.src, i); i >= len(d.src) || d.src[i] != ':' {
		return i, unexpected(d.src, i)
	}
	return d.value(skipSpace(d.src, i+1), depth+1)
}

// sort records the canonical order of the object's members.
func (d *Doc) sort(self int) error {
	n := &d.nodes[self]
	first := len(d.order)
	i := int32(self + 1)
	for range n.count {
		d.order = append(d.order, i)
		i = d.nodes[i+1].next
	}
	names := d.order[first:]
	slices.SortFunc(names, func(a, b int32) int {
		return CompareNames(Value{d, a}.Bytes(), Value{d, b}.Bytes())
	})
	for k := 1; k < len(names); k++ {
		if a := (Value{d, names[k]}).Bytes(); string(a) == string(Value{d, names[k-1]}.Bytes()) {
			return &SyntaxError{int(n.start), fmt.Sprintf("name %.40q twice in the object", a)}
		}
	}
	n.order = int32(first)
	return nil
}
