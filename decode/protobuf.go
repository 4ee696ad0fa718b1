package decode

import (
	"errors"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/decode/protobuf"
	"github.com/tidemill/tidemill/internal/canon"
	"github.com/tidemill/tidemill/project"
)

// newDescribed makes Decoders that know a schema.
func newDescribed(cfg project.Decode, dir string, where typeSource) (func() Decoder, error) {
	schema, err := protobuf.Load(cfg.Files, cfg.Imports, cfg.Descriptors, dir)
	if err != nil {
		return nil, err
	}
	if where.kind == fixed {
		if _, err := schema.Find(where.name); err != nil {
			return nil, &tidemill.Error{Code: tidemill.Invalid, Err: err} // the hint is err's
		}
	}
	return func() Decoder {
		return &described{
			schema: schema, where: where,
			json: cfg.Format != "protobuf",
			wire: schema.NewWire(),
		}
	}, nil
}

// described decodes protobuf and JSON of types that a schema has.
type described struct {
	schema *protobuf.Schema
	where  typeSource
	json   bool // all messages are JSON
	wire   *protobuf.Wire
	doc    canon.Doc
}

// Decode implements Decoder.
func (d *described) Decode(dst []byte, m *tidemill.Message) (Event, error) {
	if len(m.Value) == 0 {
		return Event{}, errEmpty
	}
	name, err := d.where.of(m)
	if err != nil {
		return Event{}, err
	}
	if d.json || isJSON(m) {
		return d.decodeJSON(dst, name, m.Value)
	}
	body := m.Value
	if d.where.kind == fromAny {
		if name, body, err = protobuf.OpenAny(body); err != nil {
			return Event{}, letter(tidemill.Malformed, err)
		}
	}
	typ, err := d.schema.Find(name)
	if err != nil {
		return Event{}, err
	}
	out, err := d.wire.Append(dst, typ, body)
	return event(dst, out, typ, err)
}

func (d *described) decodeJSON(dst []byte, name string, text []byte) (Event, error) {
	v, err := parseObject(&d.doc, text)
	if err != nil {
		return Event{}, err
	}
	skip := ""
	if d.where.kind == fromAny {
		skip = protobuf.TypeMember
		url := v.Member(skip)
		if url.Kind() != canon.String {
			return Event{}, letter(tidemill.UnknownType, errors.New(`the object has no "@type"`))
		}
		name = string(url.Bytes())
	}
	typ, err := d.schema.Find(name)
	if err != nil {
		return Event{}, err
	}
	out, err := typ.AppendJSON(dst, v, skip)
	return event(dst, out, typ, err)
}

func event(dst, out []byte, typ *protobuf.Type, err error) (Event, error) {
	if err != nil {
		return Event{}, malformed(err)
	}
	return Event{Type: typ.Name, Identity: typ.Identity, Payload: out[len(dst):], Schema: typ.Columns}, nil
}
