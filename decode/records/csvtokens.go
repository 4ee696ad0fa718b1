package records

import "bytes"

// tokens finds where records end and splits them into fields.
type tokens struct {
	d       *Dialect
	size    int // of the record that find found, line break included
	scanned int // bytes that find has looked at
	state   tokenState

	fields  []field
	scratch []byte
}

type tokenState int

const (
	atStart  tokenState = iota // of a field
	bare                       // in a field without quotes
	quoted                     // in quotes
	escaped                    // after an escape in quotes, where that is no quote
	unquoted                   // after a quote in quotes
)

// field is a value as it stands in its record.
type field struct {
	text   []byte
	quoted bool
}

func (t *tokens) reset() { t.size, t.scanned, t.state = 0, 0, atStart }

func (t *tokens) inQuotes() bool { return t.state == quoted || t.state == escaped }

// find looks for the end of the record that begins b, where it has looked
// before: b has only grown since.
func (t *tokens) find(b []byte) bool {
	for i := t.scanned; i < len(b); i++ {
		c := b[i]
		switch t.state {
		case quoted:
			switch {
			case c == t.d.Quote:
				t.state = unquoted
			case c == t.d.Escape && t.d.Escape != t.d.Quote:
				t.state = escaped
			}
			continue
		case escaped:
			t.state = quoted
			continue
		case unquoted:
			if c == t.d.Quote {
				t.state = quoted
				continue
			}
		case atStart:
			if c == t.d.Quote && t.d.Quote != 0 {
				t.state = quoted
				continue
			}
		}
		switch c {
		case '\n':
			t.size = i + 1
			return true
		case t.d.Delimiter:
			t.state = atStart
		default:
			t.state = bare
		}
	}
	t.scanned = len(b)
	return false
}

// split returns the fields of a record without its line break. They are good
// until the next split.
func (t *tokens) split(line []byte) ([]field, string) {
	t.fields, t.scratch = t.fields[:0], t.scratch[:0]
	for {
		if t.d.Quote == 0 || len(line) == 0 || line[0] != t.d.Quote {
			i := bytes.IndexByte(line, t.d.Delimiter)
			if i < 0 {
				t.fields = append(t.fields, field{text: line})
				return t.fields, ""
			}
			t.fields = append(t.fields, field{text: line[:i]})
			line = line[i+1:]
			continue
		}
		text, rest, why := t.unquote(line[1:])
		if why != "" {
			return nil, why
		}
		t.fields = append(t.fields, field{text: text, quoted: true})
		if len(rest) == 0 {
			return t.fields, ""
		}
		if rest[0] != t.d.Delimiter {
			return nil, "text follows the quote that ends a field"
		}
		line = rest[1:]
	}
}

// unquote reads a quoted field after its first quote.
func (t *tokens) unquote(b []byte) (text, rest []byte, why string) {
	from := len(t.scratch)
	plain := true
	for i := 0; i < len(b); i++ {
		c := b[i]
		next := byte(0)
		if i+1 < len(b) {
			next = b[i+1]
		}
		switch {
		case c == t.d.Escape && c != t.d.Quote && i+1 < len(b),
			c == t.d.Quote && i+1 < len(b) && next == t.d.Quote:
			if plain {
				t.scratch, plain = append(t.scratch, b[:i]...), false
			}
			t.scratch = append(t.scratch, next)
			i++
		case c == t.d.Quote:
			if plain {
				return b[:i], b[i+1:], ""
			}
			return t.scratch[from:len(t.scratch):len(t.scratch)], b[i+1:], ""
		case !plain:
			t.scratch = append(t.scratch, c)
		}
	}
	return nil, nil, "a quoted field does not end"
}

func (d *Dialect) isNull(f field) bool {
	if f.quoted {
		return false
	}
	if d.Null == nil {
		return len(f.text) == 0
	}
	for _, n := range d.Null {
		if string(f.text) == n {
			return true
		}
	}
	return false
}
