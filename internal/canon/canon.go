// Package canon defines the canonical form tm1 of JSON and the identities of
// events that are computed from it. Both are an on-disk format: keys that were
// stored by one version of Tidemill must be found by every later one, so the
// form is pinned by golden vectors and changes only under a new version name.
// docs/identity.md specifies it.
//
// In short: members stand in the order of their names' UTF-16 code units,
// strings are escaped as RFC 8785 says, there is no whitespace, and numbers
// are exact decimals without exponent. Nothing passes through a float64, so
// 2^53 and 2^53+1 stay apart.
//
// Parsing is strict: duplicate names, invalid UTF-8, lone surrogates, more
// than MaxDepth levels and numbers of more than MaxDigits digits are errors.
// No input makes a function of this package panic, and none makes it write
// more than MaxText bytes.
package canon

import (
	"errors"
	"fmt"
	"sync"
)

// Version names the canonical form. It is part of every hash.
const Version = "tm1"

// The bounds of what is accepted.
const (
	MaxDepth  = 256      // levels of arrays and objects
	MaxDigits = 1000     // digits of a number when it is written without exponent
	MaxText   = 64 << 20 // bytes of one canonical text
	MaxValues = 2 << 20  // values of one text, names among them: it bounds the memory of a Doc
)

// ErrTooLarge says that an event exceeds MaxText, or MaxValues.
var ErrTooLarge = fmt.Errorf("the event is over the limit of %d MiB of text", MaxText>>20)

// ErrTooMany says that a text has more than MaxValues values.
var ErrTooMany = fmt.Errorf("%w: more than %d values", ErrTooLarge, MaxValues)

// SyntaxError is a text that is not strict JSON.
type SyntaxError struct {
	Offset int // bytes before the fault
	Reason string
}

// Error names the reason and the byte offset.
func (e *SyntaxError) Error() string { return fmt.Sprintf("%s at byte %d", e.Reason, e.Offset) }

// Append parses the JSON text src and appends its canonical form to dst. It
// does not keep src. On an error it returns dst as it was.
func Append(dst, src []byte) ([]byte, error) {
	d := Get()
	defer d.Put()
	v, err := d.Parse(src)
	if err != nil {
		return dst, err
	}
	out, err := v.Append(dst)
	if err != nil {
		return dst[:len(dst):len(dst)], err
	}
	return out, nil
}

var docs = sync.Pool{New: func() any { return new(Doc) }}

// Get returns an empty Doc from a pool. Put gives it back.
func Get() *Doc { return docs.Get().(*Doc) }

// Put returns d to the pool; neither d nor its values may be used afterwards.
// Documents that grew large are dropped, so that one large message does not
// keep its memory.
func (d *Doc) Put() {
	const keep = 1 << 14
	if cap(d.nodes) > keep || cap(d.text) > 8*keep || cap(d.order) > keep {
		return
	}
	d.src = nil
	docs.Put(d)
}

// Append appends v in canonical form to dst. Numbers that are too long and
// texts over MaxText are errors; dst is then returned with part of the value.
func (v Value) Append(dst []byte) ([]byte, error) { return v.append(dst, len(dst)) }

// append writes v to dst, whose text began at start.
func (v Value) append(dst []byte, start int) ([]byte, error) {
	n := v.d.nodes[v.i]
	if len(dst)-start+int(n.end-n.start) > MaxText {
		return dst, ErrTooLarge
	}
	switch n.kind {
	case Null:
		return append(dst, "null"...), nil
	case False:
		return append(dst, "false"...), nil
	case True:
		return append(dst, "true"...), nil
	case Number:
		return AppendNumber(dst, v.Bytes())
	case String:
		return v.appendString(dst), nil
	case Array:
		return v.appendArray(dst, start)
	case Object:
		return v.appendObject(dst, start)
	}
	return dst, errors.New("append the zero value")
}

func (v Value) appendString(dst []byte) []byte {
	if v.d.nodes[v.i].owned {
		return AppendString(dst, v.Bytes())
	}
	dst = append(dst, '"') // a string without escapes needs none
	dst = append(dst, v.Bytes()...)
	return append(dst, '"')
}

func (v Value) appendArray(dst []byte, start int) ([]byte, error) {
	dst = append(dst, '[')
	first := true
	for e := range v.Elements() {
		if !first {
			dst = append(dst, ',')
		}
		first = false
		var err error
		if dst, err = e.append(dst, start); err != nil {
			return dst, err
		}
	}
	return append(dst, ']'), nil
}

func (v Value) appendObject(dst []byte, start int) ([]byte, error) {
	dst = append(dst, '{')
	first := true
	for name, member := range v.Members() {
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = name.appendString(dst)
		dst = append(dst, ':')
		var err error
		if dst, err = member.append(dst, start); err != nil {
			return dst, err
		}
	}
	return append(dst, '}'), nil
}
