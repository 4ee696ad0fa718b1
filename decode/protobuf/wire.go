package protobuf

import (
	"errors"
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
)

// Wire writes messages that come as wire bytes. It reuses its memory and is
// not safe for concurrent use.
type Wire struct{ w writer }

// NewWire returns a Wire for the types of s.
func (s *Schema) NewWire() *Wire { return &Wire{writer{schema: s}} }

// Append appends the canonical text of the wire bytes body, a message of type
// t, to dst. It keeps neither. On an error it returns dst as it was.
func (x *Wire) Append(dst []byte, t *Type, body []byte) ([]byte, error) {
	const keep = 1 << 14
	w := &x.w
	w.buf, w.start, w.levels, w.depth = dst, len(dst), 0, 0
	err := w.message(body, t.plan, "")
	out := w.buf
	w.buf = nil
	if cap(w.records) > keep || cap(w.slots) > keep || cap(w.keys) > keep {
		w.records, w.slots, w.keys = nil, nil, nil // one large message does not keep its memory
	}
	w.records, w.slots = w.records[:0], w.slots[:0]
	if err != nil {
		return dst, fmt.Errorf("%s: %w", t.Identity, err)
	}
	return out, nil
}

// OpenAny returns the type URL and the bytes of a google.protobuf.Any. Other
// fields in it are an error: there is no place to keep them.
func OpenAny(body []byte) (url string, value []byte, err error) {
	for len(body) > 0 {
		number, kind, n := protowire.ConsumeTag(body)
		if n < 0 {
			return "", nil, fmt.Errorf("google.protobuf.Any: %w", protowire.ParseError(n))
		}
		if kind != protowire.BytesType || number > 2 {
			return "", nil, errors.New("google.protobuf.Any: the body has other fields than type_url and value")
		}
		b, k := protowire.ConsumeBytes(body[n:])
		if k < 0 {
			return "", nil, fmt.Errorf("google.protobuf.Any: %w", protowire.ParseError(k))
		}
		if number == 1 {
			url = string(b)
		} else {
			value = b
		}
		body = body[n+k:]
	}
	return url, value, nil
}
