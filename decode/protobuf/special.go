package protobuf

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/tidemill/tidemill/internal/canon"
)

// special writes s, of a well-known type, in its own form. Done is false where
// that form cannot carry it, which is then written as a plain message.
func (w *writer) special(s scan) (done bool, err error) {
	unknown := w.unknown(s).first > 0
	switch s.plan.form {
	case anyForm, structForm, listForm, valueForm:
		if unknown {
			return false, fmt.Errorf("unknown fields in %s, which has no place for them", s.plan.desc.FullName())
		}
		return true, w.nested(s)
	}
	if unknown {
		return false, nil
	}
	mark := len(w.buf)
	var ok bool
	switch s.plan.form {
	case timestampForm:
		w.buf, ok = appendTimestamp(w.buf, int64(w.number(s, 1)), int64(int32(w.number(s, 2))))
	case durationForm:
		w.buf, ok = appendDuration(w.buf, int64(w.number(s, 1)), int64(int32(w.number(s, 2))))
	case fieldMaskForm:
		var paths []string
		for i := w.of(s, 1).first; i > 0; i = w.records[i-1].next {
			path := s.bytes(w.records[i-1])
			if !utf8.Valid(path) {
				return false, errUTF8
			}
			paths = append(paths, string(path))
		}
		w.buf, ok = appendFieldMask(w.buf, paths)
	case wrapperForm:
		f := s.plan.byNumber[1]
		if own := w.of(s, 1); own.first > 0 {
			_, err = w.single(s, f, w.records[own.last-1])
		} else {
			_, err = w.zero(f)
		}
		return true, err
	}
	if !ok {
		w.buf = w.buf[:mark]
	}
	return ok, nil
}

// number returns the bits of a field, 0 if it is not there.
func (w *writer) number(s scan, n protowire.Number) uint64 {
	if own := w.of(s, n); own.first > 0 {
		return w.records[own.last-1].bits
	}
	return 0
}

// lastBytes returns the value of a string or bytes field.
func (w *writer) lastBytes(s scan, n protowire.Number) []byte {
	if own := w.of(s, n); own.first > 0 {
		return s.bytes(w.records[own.last-1])
	}
	return nil
}

// nested writes the forms that hold values of any kind.
func (w *writer) nested(s scan) error {
	switch s.plan.form {
	case structForm:
		return w.mapping(s, s.plan.byNumber[1], w.of(s, 1))
	case listForm:
		_, err := w.list(s, s.plan.byNumber[1], w.of(s, 1))
		return err
	case valueForm:
		return w.dynamic(s)
	}
	return w.any(s)
}

// dynamic writes a google.protobuf.Value.
func (w *writer) dynamic(s scan) error {
	for i, f := range s.plan.fields {
		own := w.slot(s, i)
		if own.first == 0 {
			continue
		}
		if f.kind == protoreflect.DoubleKind {
			if x := math.Float64frombits(w.records[own.last-1].bits); x-x != 0 {
				return errors.New("google.protobuf.Value holds a number that is not finite")
			}
		}
		_, err := w.field(s, f, own)
		return err
	}
	return errors.New("google.protobuf.Value holds nothing")
}

// any writes a google.protobuf.Any: the message within where its type is
// known, else its bytes.
func (w *writer) any(s scan) error {
	raw, body := w.lastBytes(s, 1), w.lastBytes(s, 2)
	if !utf8.Valid(raw) {
		return errUTF8
	}
	url := string(raw)
	inner := w.schema.plans[typeOfURL(url)]
	switch {
	case url == "" && len(body) == 0:
		w.buf = append(w.buf, "{}"...)
		return nil
	case inner != nil && inner.form == plainForm:
		return w.message(body, inner, url)
	}
	if err := w.open('{'); err != nil {
		return err
	}
	w.buf = append(w.buf, `"@type":`...)
	w.buf = canon.AppendString(w.buf, url)
	w.buf = append(w.buf, `,"value":`...)
	if inner == nil {
		w.buf = appendBase64(w.buf, body)
	} else if err := w.message(body, inner, ""); err != nil {
		return err
	}
	w.close('}')
	return nil
}

func typeOfURL(url string) protoreflect.FullName {
	return protoreflect.FullName(url[strings.LastIndexByte(url, '/')+1:])
}
