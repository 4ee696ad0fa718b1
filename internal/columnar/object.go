package columnar

import (
	"bytes"
	"slices"

	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/tidemill/tidemill/internal/canon"
)

// object fills the columns of an object's members.
type object struct {
	members []objectMember // in canonical order of their names
}

// objectMember is one member with its columns: more than one where values of
// other types go to variants.
type objectMember struct {
	name   []byte
	column int // of the first
	cells  []cell

	value  canon.Value // of the row that is being appended
	chosen int         // index in cells, -1 for none
}

func (o *object) add(name string, c cell, column int) {
	for i := range o.members {
		if m := &o.members[i]; string(m.name) == name {
			m.cells = append(m.cells, c)
			return
		}
	}
	o.members = append(o.members, objectMember{name: []byte(name), column: column, cells: []cell{c}, chosen: -1})
}

func (o *object) sort() {
	slices.SortFunc(o.members, func(a, b objectMember) int { return canon.CompareNames(a.name, b.name) })
}

func (o *object) rename(from, to string) {
	for i := range o.members {
		if m := &o.members[i]; string(m.name) == from {
			m.name = []byte(to)
		}
	}
	o.sort()
}

// find returns the index of the member name, searching from at; if it is not
// there, the index of the next one. Callers go through a payload in canonical
// order, so that all look-ups of a row are one walk.
func (o *object) find(name []byte, at int) (int, bool) {
	for ; at < len(o.members); at++ {
		m := o.members[at].name
		if bytes.Equal(m, name) {
			return at, true
		}
		if canon.CompareNames(m, name) > 0 {
			break
		}
	}
	return at, false
}

func (o *object) reset() {
	for i := range o.members {
		o.members[i].chosen = -1
	}
}

// choose notes the first column of member i that holds v.
func (o *object) choose(i int, v canon.Value) (rest bool, change *Change) {
	m := &o.members[i]
	for k, c := range m.cells {
		var at check
		if c.check(&at, v) {
			m.value, m.chosen = v, k
			return at.rest, nil
		}
		if k == 0 {
			change = &Change{Member: string(m.name), Path: at.path, Want: at.want, Found: at.found, Whole: typeOf(v)}
		}
	}
	return false, change
}

// appendChosen appends what choose noted, and null or zero elsewhere.
func (o *object) appendChosen() {
	for i := range o.members {
		m := &o.members[i]
		for k, c := range m.cells {
			if k == m.chosen {
				c.append(m.value)
			} else {
				c.missing()
			}
		}
	}
}

// rest appends the JSON object of what the columns of v do not hold. Without
// any it returns dst and false.
func (o *object) rest(dst []byte, v canon.Value) ([]byte, bool) {
	start, at, kept := len(dst), 0, false
	dst = append(dst, '{')
	for name, value := range v.Members() {
		mark := len(dst)
		if kept {
			dst = append(dst, ',')
		}
		dst = canon.AppendString(dst, name.Bytes())
		dst = append(dst, ':')
		i, found := o.find(name.Bytes(), at)
		at = i
		left := value.Kind() != canon.Null
		if found {
			m := &o.members[i]
			c := m.cells[max(m.chosen, 0)]
			dst, left = c.rest(dst, value)
		} else {
			dst, _ = value.Append(dst) // canonical text, which fits by definition
		}
		if !left {
			dst = dst[:mark]
		}
		kept = kept || left
	}
	if !kept {
		return dst[:start], false
	}
	return append(dst, '}'), true
}

// structCell is a nested message.
type structCell struct {
	object
	build *array.StructBuilder
}

func (s *structCell) check(at *check, v canon.Value) bool {
	if v.Kind() != canon.Object {
		return at.fail(s.build.Type(), v)
	}
	i, found := 0, false
	for name, value := range v.Members() {
		if value.Kind() == canon.Null {
			continue
		}
		if i, found = s.find(name.Bytes(), i); !found {
			at.rest = true
			continue
		}
		if !s.members[i].cells[0].check(at, value) {
			return at.within("." + string(s.members[i].name))
		}
	}
	return true
}

func (s *structCell) append(v canon.Value) {
	s.build.Append(true)
	at := 0
	for name, value := range v.Members() {
		i, found := s.find(name.Bytes(), at)
		if !found || value.Kind() == canon.Null {
			continue
		}
		for ; at < i; at++ {
			s.members[at].cells[0].missing()
		}
		s.members[i].cells[0].append(value)
		at = i + 1
	}
	for ; at < len(s.members); at++ {
		s.members[at].cells[0].missing()
	}
}

func (s *structCell) missing() { s.build.AppendNull() }

func (s *structCell) rest(dst []byte, v canon.Value) ([]byte, bool) { return s.object.rest(dst, v) }
