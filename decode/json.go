package decode

import (
	"errors"
	"fmt"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/internal/canon"
)

// plain decodes JSON without a schema.
type plain struct {
	where typeSource
	doc   canon.Doc
}

// Decode implements Decoder.
func (p *plain) Decode(dst []byte, m *tidemill.Message) (Event, error) {
	if len(m.Value) == 0 {
		return Event{}, errEmpty
	}
	typ, err := p.where.of(m)
	if err != nil {
		return Event{}, err
	}
	v, err := parseObject(&p.doc, m.Value)
	if err != nil {
		return Event{}, err
	}
	out, err := v.Append(dst)
	if err != nil {
		return Event{}, malformed(err)
	}
	return Event{Type: typ, Identity: typ, Payload: out[len(dst):]}, nil
}

var errEmpty = letter(tidemill.Empty, errors.New("the body has no bytes"))

// malformed gives err the code of a dead letter.
func malformed(err error) error {
	if errors.Is(err, canon.ErrTooLarge) {
		return letter(tidemill.TooLarge, err)
	}
	return letter(tidemill.Malformed, err)
}

func parseObject(doc *canon.Doc, text []byte) (canon.Value, error) {
	v, err := doc.Parse(text)
	if err != nil {
		return v, malformed(fmt.Errorf("json: %w", err))
	}
	if v.Kind() != canon.Object {
		return v, letter(tidemill.Malformed, fmt.Errorf("json: the body is %s %s, not an object", article(v.Kind()), v.Kind()))
	}
	return v, nil
}

func article(k canon.Kind) string {
	if k == canon.Array {
		return "an"
	}
	return "a"
}
