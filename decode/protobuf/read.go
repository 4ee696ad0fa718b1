package protobuf

import (
	"errors"
	"fmt"
	"slices"

	"github.com/tidemill/tidemill/internal/canon"
)

// reader appends JSON values of described types as canonical text: what it
// writes is what writer writes for the same message. Members that no field
// has are kept under their names.
type reader struct {
	schema  *Schema
	buf     []byte
	start   int
	entries []entry
}

// entry is a member of the object that is being read.
type entry struct {
	name  string // as it is written
	field *field // nil for an unknown member
	value canon.Value
}

// AppendJSON appends the canonical text of the JSON object v, a message of
// type t, to dst, without its member skip, if that is not empty. On an error
// it returns dst as it was.
func (t *Type) AppendJSON(dst []byte, v canon.Value, skip string) ([]byte, error) {
	r := reader{schema: t.schema, buf: dst, start: len(dst)}
	err := r.object(v, t.plan, skip, "")
	if t.plan.form == anyForm {
		r.buf = dst
		err = r.message(v, t.plan)
	}
	if err == nil {
		err = r.bounded()
	}
	if err != nil {
		return dst, fmt.Errorf("json of %s: %w", t.Identity, err)
	}
	return r.buf, nil
}

func (r *reader) bounded() error {
	if len(r.buf)-r.start > canon.MaxText {
		return canon.ErrTooLarge
	}
	return nil
}

// object reads a plain message. The member skip is left out; with an url,
// that is written as "@type".
func (r *reader) object(v canon.Value, p *plan, skip, url string) error {
	if v.Kind() != canon.Object {
		return fmt.Errorf("%s where an object belongs", v.Kind())
	}
	from := len(r.entries)
	defer func() { r.entries = r.entries[:from] }()
	if err := r.gather(v, p, skip); err != nil {
		return err
	}
	to := len(r.entries)
	r.buf = append(r.buf, '{')
	for i := from; i < to; i++ {
		e := r.entries[i] // the slice may move while members are read
		mark := len(r.buf)
		if url != "" && canon.CompareNames([]byte(TypeMember), []byte(e.name)) < 0 {
			r.member(TypeMember)
			r.buf = canon.AppendString(r.buf, url)
			url, mark = "", len(r.buf)
		}
		r.member(e.name)
		keep, err := r.entry(e)
		if err != nil {
			return fmt.Errorf("member %.64s: %w", e.name, err)
		}
		if !keep {
			r.buf = r.buf[:mark]
		}
	}
	if url != "" {
		r.member(TypeMember)
		r.buf = canon.AppendString(r.buf, url)
	}
	r.buf = append(r.buf, '}')
	return r.bounded()
}

// gather collects the members of v that count, in the order in which they are
// written.
func (r *reader) gather(v canon.Value, p *plan, skip string) error {
	from := len(r.entries)
	ordered := true
	var oneofs []bool
	for name, value := range v.Members() {
		if skip != "" && string(name.Bytes()) == skip {
			continue
		}
		f := p.byName[string(name.Bytes())]
		switch {
		case f == nil:
			r.entries = append(r.entries, entry{string(name.Bytes()), nil, value})
			continue
		case value.Kind() == canon.Null && !f.takesNull():
			continue
		case f.oneof >= 0:
			if oneofs == nil {
				oneofs = make([]bool, len(p.oneofs))
			}
			if oneofs[f.oneof] {
				return fmt.Errorf("two members of the oneof %s", f.desc.ContainingOneof().Name())
			}
			oneofs[f.oneof] = true
		}
		ordered = ordered && string(name.Bytes()) == f.name
		r.entries = append(r.entries, entry{f.name, f, value})
	}
	if ordered {
		return nil
	}
	own := r.entries[from:]
	slices.SortFunc(own, func(a, b entry) int { return canon.CompareNames([]byte(a.name), []byte(b.name)) })
	for i := 1; i < len(own); i++ {
		if own[i].name == own[i-1].name {
			return fmt.Errorf("member %s twice, under two spellings", own[i].name)
		}
	}
	return nil
}

// takesNull reports whether null is a value of f rather than its absence.
func (f *field) takesNull() bool {
	return !f.list && f.key == nil && (f.enum != nil && f.enum.null || f.message != nil && f.message.form == valueForm)
}

func (r *reader) member(name string) {
	if r.buf[len(r.buf)-1] != '{' {
		r.buf = append(r.buf, ',')
	}
	r.buf = canon.AppendString(r.buf, name)
	r.buf = append(r.buf, ':')
}

// entry reads the value of a member and reports whether it is to be kept:
// defaults of fields without presence, and empty lists and maps, are not
// written.
func (r *reader) entry(e entry) (keep bool, err error) {
	switch f := e.field; {
	case f == nil:
		r.buf, err = e.value.Append(r.buf)
		return true, err
	case f.list:
		return e.value.Len() > 0 || e.value.Kind() != canon.Array, r.list(f, e.value)
	case f.key != nil:
		return e.value.Len() > 0 || e.value.Kind() != canon.Object, r.mapping(f, e.value)
	default:
		zero, err := r.value(f, e.value)
		return !zero || !f.implicit, err
	}
}

func (r *reader) list(f *field, v canon.Value) error {
	if v.Kind() != canon.Array {
		return fmt.Errorf("%s where an array belongs", v.Kind())
	}
	r.buf = append(r.buf, '[')
	first := true
	for e := range v.Elements() {
		if !first {
			r.buf = append(r.buf, ',')
		}
		first = false
		if err := r.element(f, e); err != nil {
			return err
		}
	}
	r.buf = append(r.buf, ']')
	return nil
}

func (r *reader) element(f *field, v canon.Value) error {
	if v.Kind() == canon.Null && !(f.enum != nil && f.enum.null || f.message != nil && f.message.form == valueForm) {
		return errors.New("null where a value belongs")
	}
	if _, err := r.value(f, v); err != nil {
		return err
	}
	return r.bounded()
}

func (r *reader) mapping(f *field, v canon.Value) error {
	if v.Kind() != canon.Object {
		return fmt.Errorf("%s where an object belongs", v.Kind())
	}
	from := len(r.entries)
	defer func() { r.entries = r.entries[:from] }()
	for name, value := range v.Members() {
		key, err := f.key.canonicalKey(name)
		if err != nil {
			return err
		}
		r.entries = append(r.entries, entry{key, f.item, value})
	}
	own := r.entries[from:]
	if f.key.kind != stringKind {
		slices.SortFunc(own, func(a, b entry) int { return canon.CompareNames([]byte(a.name), []byte(b.name)) })
		for i := 1; i < len(own); i++ {
			if own[i].name == own[i-1].name {
				return errors.New("a map key twice, under two spellings")
			}
		}
	}
	r.buf = append(r.buf, '{')
	for i := range len(own) {
		e := r.entries[from+i]
		r.member(e.name)
		if err := r.element(f.item, e.value); err != nil {
			return err
		}
	}
	r.buf = append(r.buf, '}')
	return nil
}
