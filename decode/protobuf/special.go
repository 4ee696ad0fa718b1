package protobuf

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/tidemill/tidemill/internal/canon"
)

// special writes m, of a well-known type, in its own form. Done is false
// where that form cannot carry m, which is then written as a plain message.
func (w *writer) special(m protoreflect.Message, p *plan) (done bool, err error) {
	unknown := len(m.GetUnknown()) > 0
	switch p.form {
	case anyForm, structForm, listForm, valueForm:
		if unknown {
			return false, fmt.Errorf("unknown fields in %s, which has no place for them", p.desc.FullName())
		}
		return true, w.nested(m, p)
	}
	if unknown {
		return false, nil
	}
	mark := len(w.buf)
	var ok bool
	switch p.form {
	case timestampForm:
		w.buf, ok = appendTimestamp(w.buf, m.Get(p.byNumber[1].desc).Int(), m.Get(p.byNumber[2].desc).Int())
	case durationForm:
		w.buf, ok = appendDuration(w.buf, m.Get(p.byNumber[1].desc).Int(), m.Get(p.byNumber[2].desc).Int())
	case fieldMaskForm:
		w.buf, ok = appendFieldMask(w.buf, m.Get(p.byNumber[1].desc).List())
	case wrapperForm:
		f := p.byNumber[1]
		return true, w.value(f, m.Get(f.desc))
	}
	if !ok {
		w.buf = w.buf[:mark]
	}
	return ok, nil
}

// nested writes the forms that hold values of any kind.
func (w *writer) nested(m protoreflect.Message, p *plan) error {
	switch p.form {
	case structForm:
		f := p.byNumber[1]
		return w.mapping(f, m.Get(f.desc).Map())
	case listForm:
		f := p.byNumber[1]
		return w.list(f, m.Get(f.desc).List())
	case valueForm:
		return w.dynamic(m, p)
	}
	return w.any(m, p)
}

// dynamic writes a google.protobuf.Value.
func (w *writer) dynamic(m protoreflect.Message, p *plan) error {
	for _, f := range p.fields {
		if !m.Has(f.desc) {
			continue
		}
		v := m.Get(f.desc)
		if f.kind == protoreflect.DoubleKind && v.Float()-v.Float() != 0 {
			return errors.New("google.protobuf.Value holds a number that is not finite")
		}
		return w.value(f, v)
	}
	return errors.New("google.protobuf.Value holds nothing")
}

// any writes a google.protobuf.Any: the message within where its type is
// known, else its bytes.
func (w *writer) any(m protoreflect.Message, p *plan) error {
	url := m.Get(p.byNumber[1].desc).String()
	body := m.Get(p.byNumber[2].desc).Bytes()
	switch inner := p.schema.plans[typeOfURL(url)]; {
	case !utf8.ValidString(url):
		return errUTF8
	case url == "" && len(body) == 0:
		w.buf = append(w.buf, "{}"...)
		return nil
	case inner != nil:
		return w.known(inner, url, body)
	}
	w.buf = append(w.buf, `{"@type":`...)
	w.buf = canon.AppendString(w.buf, url)
	w.buf = append(w.buf, `,"value":`...)
	w.buf = appendBase64(w.buf, body)
	w.buf = append(w.buf, '}')
	return nil
}

func typeOfURL(url string) protoreflect.FullName {
	return protoreflect.FullName(url[strings.LastIndexByte(url, '/')+1:])
}

func (w *writer) known(p *plan, url string, body []byte) error {
	m := dynamicpb.NewMessage(p.desc)
	err := proto.UnmarshalOptions{AllowPartial: true, Resolver: p.schema.types, RecursionLimit: MaxMessages}.Unmarshal(body, m)
	if err != nil {
		return fmt.Errorf("any of %s: %w", p.desc.FullName(), err)
	}
	if p.form == plainForm {
		return w.object(m, p, url)
	}
	if err := w.open('{'); err != nil {
		return err
	}
	w.buf = append(w.buf, `"@type":`...)
	w.buf = canon.AppendString(w.buf, url)
	w.buf = append(w.buf, `,"value":`...)
	if err := w.message(m, p); err != nil {
		return err
	}
	w.close('}')
	return nil
}
