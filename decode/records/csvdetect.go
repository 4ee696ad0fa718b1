package records

import (
	"bytes"
	"strings"
)

const (
	// sampled is how many bytes of a CSV file are looked at.
	sampled = 1 << 20

	// sampledRows is how many rows of them a delimiter is chosen by.
	sampledRows = 200
)

// csvColumn is a column of a CSV file.
type csvColumn struct {
	name string
	kind kind
}

// detected are the types that are looked for, in the order of preference.
var detected = []kind{
	{name: kindBool},
	{name: kindInt},
	{name: kindDecimal, precision: 38},
	{name: kindDate},
	{name: kindTimestamp},
	{name: kindTimestamptz},
	{name: kindDecimal, precision: 38, scale: 9},
	{name: kindDecimal, precision: 38, scale: 18},
	{name: kindDouble},
}

// detect fills what d leaves open, and returns whether the first record names
// the columns. Of a sample that is not whole the last record does not count.
func detect(d *Dialect, sample []byte, whole bool) (header bool, cols []csvColumn) {
	if d.Quote == 0 {
		d.Quote = detectQuote(sample)
	}
	if d.Escape == 0 {
		d.Escape = detectEscape(sample, d.Quote)
	}
	if d.Delimiter == 0 {
		d.Delimiter = detectDelimiter(*d, sample, whole)
	}
	var first []field
	var guesses []guess
	seen := 0
	eachRecord(d, sample, whole, func(fields []field) bool {
		if seen++; seen == 1 {
			first = cloneFields(fields)
			guesses = make([]guess, len(fields))
			return true
		}
		for i := range min(len(fields), len(guesses)) {
			guesses[i].take(d, fields[i])
		}
		return true
	})
	header = d.Header == "yes" || d.Header == "" && looksLikeHeader(d, first)
	if !header {
		for i, f := range first {
			guesses[i].take(d, f)
		}
	}
	names := d.Columns
	if len(names) == 0 && header {
		for _, f := range first {
			names = append(names, string(f.text))
		}
	}
	unique := newNames()
	for i := range max(len(first), len(names)) {
		name := ""
		if i < len(names) {
			name = names[i]
		}
		c := csvColumn{name: unique.column(name, i), kind: kind{name: kindText}}
		if i < len(guesses) {
			c.kind = guesses[i].kind()
		}
		if k, ok := d.kindOf(name, c.name); ok {
			c.kind = k
		}
		cols = append(cols, c)
	}
	return header, cols
}

// kindOf returns the type that was set for a column.
func (d *Dialect) kindOf(names ...string) (kind, bool) {
	for _, n := range append(names, "*") {
		if t, ok := d.Types[n]; ok && n != "" {
			k, err := parseKind(t)
			return k, err == nil
		}
	}
	return kind{}, false
}

// eachRecord calls f with the fields of each record of b that can be split,
// until f returns false.
func eachRecord(d *Dialect, b []byte, whole bool, f func([]field) bool) {
	t := tokens{d: d}
	for len(b) > 0 {
		t.reset()
		if !t.find(b) {
			if !whole || t.inQuotes() {
				return
			}
			t.size = len(b)
		}
		line := bytes.TrimRight(b[:t.size], "\r\n")
		b = b[t.size:]
		if len(line) == 0 {
			continue
		}
		fields, why := t.split(line)
		if why != "" {
			continue
		}
		if !f(fields) {
			return
		}
	}
}

func cloneFields(fields []field) []field {
	out := make([]field, len(fields))
	for i, f := range fields {
		out[i] = field{text: bytes.Clone(f.text), quoted: f.quoted}
	}
	return out
}

// detectQuote returns the apostrophe only where fields are written in it and
// no double quote is seen.
func detectQuote(sample []byte) byte {
	if bytes.IndexByte(sample, '"') >= 0 {
		return '"'
	}
	for _, delimiter := range delimiters {
		if bytes.Contains(sample, []byte{'\'', delimiter, '\''}) {
			return '\''
		}
	}
	return '"'
}

// detectEscape returns the backslash where it stands before a quote and no
// quote is doubled; else a quote is escaped by another one.
func detectEscape(sample []byte, quote byte) byte {
	if bytes.Contains(sample, []byte{'\\', quote}) && !bytes.Contains(bytes.ReplaceAll(sample, []byte{'\\', quote}, nil), []byte{'\\', quote, quote}) &&
		!hasDoubled(sample, quote) {
		return '\\'
	}
	return quote
}

// hasDoubled reports whether a quote is doubled within a value, which an
// empty field in quotes is not.
func hasDoubled(sample []byte, quote byte) bool {
	for i := 1; i+2 < len(sample); i++ {
		if sample[i] == quote && sample[i+1] == quote && word(sample[i-1]) && word(sample[i+2]) {
			return true
		}
	}
	return false
}

func word(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == ' ' || c >= 0x80
}

var delimiters = []byte{',', ';', '\t', '|'}

// detectDelimiter takes the one that divides most rows into the same number
// of fields, and of several the one that gives most fields.
func detectDelimiter(d Dialect, sample []byte, whole bool) byte {
	best, bestScore := byte(','), 0.0
	for _, c := range delimiters {
		d.Delimiter = c
		counts, rows := map[int]int{}, 0
		eachRecord(&d, sample, whole, func(fields []field) bool {
			counts[len(fields)]++
			rows++
			return rows < sampledRows
		})
		most, fields := 0, 0
		for n, times := range counts {
			if times > most || times == most && n > fields {
				most, fields = times, n
			}
		}
		if fields < 2 {
			continue
		}
		share := float64(most) / float64(rows)
		if score := share*share*1000 + float64(min(fields, 500)); score > bestScore {
			best, bestScore = c, score
		}
	}
	return best
}

// looksLikeHeader reports whether a record may be one of names: texts that
// differ, and nothing that is a value of another type.
func looksLikeHeader(d *Dialect, fields []field) bool {
	seen := map[string]bool{}
	for _, f := range fields {
		name := strings.ToLower(string(f.text))
		if name == "" || seen[name] || d.isNull(f) {
			return false
		}
		seen[name] = true
		var g guess
		g.take(d, f)
		if g.kind().name != kindText {
			return false
		}
	}
	return len(fields) > 0
}

// guess is what the values of a column have in common.
type guess struct {
	seen bool
	not  [16]bool // by index of detected
}

func (g *guess) take(d *Dialect, f field) {
	if d.isNull(f) {
		return
	}
	g.seen = true
	var c cell
	for i, k := range detected {
		if !g.not[i] && !c.parse(f.text, k) {
			g.not[i] = true
		}
	}
}

func (g *guess) kind() kind {
	if g.seen {
		for i, k := range detected {
			if !g.not[i] {
				return k
			}
		}
	}
	return kind{name: kindText}
}
