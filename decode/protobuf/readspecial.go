package protobuf

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/tidemill/tidemill/internal/canon"
)

// message reads a message in the form of its type. A well-known value may
// also stand as the plain message that it is, as writer writes one that its
// form cannot carry.
func (r *reader) message(v canon.Value, p *plan) error {
	switch p.form {
	case anyForm:
		return r.any(v, p)
	case structForm:
		if v.Kind() != canon.Object {
			return fmt.Errorf("%s where an object belongs", v.Kind())
		}
		return r.dynamic(v)
	case listForm:
		if v.Kind() != canon.Array {
			return fmt.Errorf("%s where an array belongs", v.Kind())
		}
		return r.dynamic(v)
	case valueForm:
		return r.dynamic(v)
	case plainForm:
		return r.object(v, p, "", "")
	}
	if v.Kind() == canon.Object {
		return r.object(v, p, "", "")
	}
	if p.form == wrapperForm {
		_, err := r.value(p.byNumber[1], v)
		return err
	}
	if v.Kind() != canon.String {
		return fmt.Errorf("%s where a string belongs", v.Kind())
	}
	return r.text(string(v.Bytes()), p)
}

// text reads the forms that are strings.
func (r *reader) text(s string, p *plan) error {
	var seconds, nanos int64
	var ok bool
	switch p.form {
	case timestampForm:
		if seconds, nanos, ok = parseTimestamp(s); ok {
			r.buf, ok = appendTimestamp(r.buf, seconds, nanos)
		}
	case durationForm:
		if seconds, nanos, ok = parseDuration(s); ok {
			r.buf, ok = appendDuration(r.buf, seconds, nanos)
		}
	case fieldMaskForm:
		ok = s == "" || validMask(s)
		r.buf = canon.AppendString(r.buf, s)
	}
	if !ok {
		return fmt.Errorf("not a %s", p.desc.FullName())
	}
	return nil
}

func validMask(s string) bool {
	for path := range strings.SplitSeq(s, ",") {
		if !pathBytes(path) || strings.Contains(path, "_") || camelPath(snakePath(path)) != path {
			return false
		}
	}
	return true
}

// dynamic reads a value of any kind. Its numbers are doubles to protobuf, so
// they are written as such; a whole number that no double equals stands as it
// is, because protobuf cannot have sent it.
func (r *reader) dynamic(v canon.Value) error {
	switch v.Kind() {
	case canon.Number:
		return r.double(v)
	case canon.Array:
		r.buf = append(r.buf, '[')
		for e := range v.Elements() {
			if r.buf[len(r.buf)-1] != '[' {
				r.buf = append(r.buf, ',')
			}
			if err := r.dynamic(e); err != nil {
				return err
			}
		}
		r.buf = append(r.buf, ']')
		return nil
	case canon.Object:
		r.buf = append(r.buf, '{')
		for name, value := range v.Members() {
			r.member(string(name.Bytes()))
			if err := r.dynamic(value); err != nil {
				return err
			}
		}
		r.buf = append(r.buf, '}')
		return nil
	}
	var err error
	r.buf, err = v.Append(r.buf)
	return err
}

func (r *reader) double(v canon.Value) error {
	if err := r.bounded(); err != nil {
		return err
	}
	mark := len(r.buf)
	exact, err := canon.AppendNumber(r.buf, v.Bytes())
	if err != nil {
		return err
	}
	r.buf = exact
	x, err := strconv.ParseFloat(string(v.Bytes()), 64)
	whole := bytes.IndexByte(exact[mark:], '.') < 0
	if err != nil {
		if whole {
			return nil
		}
		return errFloat
	}
	if !whole {
		r.buf = appendFloat(r.buf[:mark], x, 64)
	}
	return nil
}

// any reads the JSON form of google.protobuf.Any.
func (r *reader) any(v canon.Value, p *plan) error {
	if v.Kind() != canon.Object {
		return fmt.Errorf("%s where an object belongs", v.Kind())
	}
	if v.Len() == 0 {
		r.buf = append(r.buf, "{}"...)
		return nil
	}
	url := v.Member(TypeMember)
	if url.Kind() != canon.String {
		return errors.New(`an Any without "@type"`)
	}
	inner := p.schema.plans[typeOfURL(string(url.Bytes()))]
	switch {
	case inner == nil:
		var err error
		r.buf, err = v.Append(r.buf)
		return err
	case inner.form == plainForm:
		return r.object(v, inner, TypeMember, string(url.Bytes()))
	}
	value := v.Member("value")
	if v.Len() != 2 || value.Kind() == 0 {
		return fmt.Errorf(`an Any of %s must have "@type" and "value"`, inner.desc.FullName())
	}
	r.buf = append(r.buf, `{"@type":`...)
	r.buf = canon.AppendString(r.buf, url.Bytes())
	r.buf = append(r.buf, `,"value":`...)
	if err := r.message(value, inner); err != nil {
		return err
	}
	r.buf = append(r.buf, '}')
	return nil
}
