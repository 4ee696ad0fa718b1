package protobuf

import (
	"errors"
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/dynamicpb"
)

// Wire writes messages that come as wire bytes. It reuses its memory and is
// not safe for concurrent use.
type Wire struct {
	w    writer
	fast arena
}

// NewWire returns a Wire for the types of s.
func (s *Schema) NewWire() *Wire { return &Wire{w: writer{schema: s}} }

// Append appends the canonical text of the wire bytes body, a message of type
// t, to dst. It keeps neither. On an error it returns dst as it was.
func (x *Wire) Append(dst []byte, t *Type, body []byte) ([]byte, error) {
	if fast := t.fast(); fast != nil {
		if out, ok := x.appendFast(dst, t, fast, body); ok {
			return out, nil
		}
	}
	return x.appendSlow(dst, t, body)
}

// appendFast reports whether it could. What it refuses is decided by the slow
// way, so that one parser says what is malformed and why.
func (x *Wire) appendFast(dst []byte, t *Type, fast *fastType, body []byte) (out []byte, ok bool) {
	m := x.fast.parse(fast, body)
	defer x.fast.free(len(body))
	if m == nil {
		return nil, false
	}
	x.begin(dst)
	err := x.w.message(m, t.plan)
	return x.w.buf, err == nil
}

func (x *Wire) appendSlow(dst []byte, t *Type, body []byte) ([]byte, error) {
	m := dynamicpb.NewMessage(t.plan.desc)
	options := proto.UnmarshalOptions{AllowPartial: true, Resolver: t.schema.types, RecursionLimit: MaxMessages}
	if err := options.Unmarshal(body, m); err != nil {
		return dst, fmt.Errorf("%s: %w", t.Identity, err)
	}
	x.begin(dst)
	if err := x.w.message(m, t.plan); err != nil {
		return dst, fmt.Errorf("%s: %w", t.Identity, err)
	}
	return x.w.buf, nil
}

func (x *Wire) begin(dst []byte) {
	x.w.buf, x.w.start, x.w.levels = dst, len(dst), 0
	clear(x.w.keys)
	x.w.keys = x.w.keys[:0]
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
