package columnar

import (
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/tidemill/tidemill/internal/canon"
)

// cell fills one column, at any depth.
type cell interface {
	// check reports whether the column holds v, which is not null.
	check(at *check, v canon.Value) bool

	// append adds v, which check accepted.
	append(v canon.Value)

	// missing adds what an absent or null value means.
	missing()

	// rest appends the part of v that the column does not hold, as JSON, and
	// reports whether there is one.
	rest(dst []byte, v canon.Value) ([]byte, bool)
}

// check is the result of looking at one member of a row.
type check struct {
	rest        bool // the columns do not hold all
	path        string
	want, found arrow.DataType
}

func (c *check) fail(want arrow.DataType, v canon.Value) bool {
	c.want, c.found = want, typeOf(v)
	if c.found == nil {
		c.found = arrow.Null
	}
	return false
}

// within puts the way to a failed value before its path.
func (c *check) within(step string) bool {
	c.path = step + c.path
	return false
}

// newCell returns the cell of f, whose values go to b.
func newCell(f arrow.Field, b array.Builder) cell {
	presence, _ := f.Metadata.GetValue(MetaPresence)
	form, _ := f.Metadata.GetValue(MetaForm)
	implicit := presence == PresenceImplicit
	switch b := b.(type) {
	case *array.ExtensionBuilder:
		if text, ok := b.StorageBuilder().(*array.StringBuilder); ok && arrow.TypeEqual(f.Type, jsonType) {
			return &jsonCell{build: text}
		}
	case *array.StructBuilder:
		s := &structCell{build: b}
		for i, g := range f.Type.(*arrow.StructType).Fields() {
			s.add(member(g), newCell(g, b.FieldBuilder(i)), i)
		}
		s.sort()
		return s
	case *array.MapBuilder:
		t := f.Type.(*arrow.MapType)
		return &mapCell{
			build: b, implicit: implicit,
			key: newCell(t.KeyField(), b.KeyBuilder()), item: newCell(t.ItemField(), b.ItemBuilder()),
		}
	case *array.ListBuilder:
		return &listCell{build: b, implicit: implicit, elem: newCell(f.Type.(*arrow.ListType).ElemField(), b.ValueBuilder())}
	}
	if c := newScalar(f.Type, b, form); c != nil {
		c.implicit = implicit
		if zero, ok := f.Metadata.GetValue(MetaZero); ok {
			if text, ok := b.(*array.StringBuilder); ok {
				c.zero = func() { text.Append(zero) }
			}
		}
		return c
	}
	return &neverCell{build: b}
}

// jsonCell takes every value as its canonical text.
type jsonCell struct {
	build   *array.StringBuilder
	scratch []byte
}

func (c *jsonCell) check(*check, canon.Value) bool { return true }

func (c *jsonCell) append(v canon.Value) {
	c.scratch, _ = v.Append(c.scratch[:0])
	c.build.BinaryBuilder.Append(c.scratch)
}

func (c *jsonCell) missing() { c.build.AppendNull() }

func (c *jsonCell) rest(dst []byte, _ canon.Value) ([]byte, bool) { return dst, false }

// neverCell is a column of a type that payloads do not have.
type neverCell struct{ build array.Builder }

func (c *neverCell) check(at *check, v canon.Value) bool { return at.fail(c.build.Type(), v) }

func (c *neverCell) append(canon.Value) { c.build.AppendNull() }

func (c *neverCell) missing() { c.build.AppendNull() }

func (c *neverCell) rest(dst []byte, _ canon.Value) ([]byte, bool) { return dst, false }

// listCell is a repeated field.
type listCell struct {
	build    *array.ListBuilder
	elem     cell
	implicit bool
}

func (c *listCell) check(at *check, v canon.Value) bool {
	if v.Kind() != canon.Array {
		return at.fail(c.build.Type(), v)
	}
	for e := range v.Elements() {
		if e.Kind() != canon.Null && !c.elem.check(at, e) {
			return at.within("[]")
		}
	}
	return true
}

func (c *listCell) append(v canon.Value) {
	c.build.Append(true)
	for e := range v.Elements() {
		if e.Kind() == canon.Null {
			c.build.ValueBuilder().AppendNull()
		} else {
			c.elem.append(e)
		}
	}
}

func (c *listCell) missing() {
	if c.implicit {
		c.build.AppendEmptyValue()
	} else {
		c.build.AppendNull()
	}
}

// rest gives an array in which elements keep their places.
func (c *listCell) rest(dst []byte, v canon.Value) ([]byte, bool) {
	start, kept := len(dst), false
	dst = append(dst, '[')
	for e := range v.Elements() {
		if dst[len(dst)-1] != '[' || len(dst) > start+1 {
			dst = append(dst, ',')
		}
		more, ok := c.elem.rest(dst, e)
		if !ok || e.Kind() == canon.Null {
			more = append(dst, "null"...)
		}
		dst, kept = more, kept || ok
	}
	if !kept {
		return dst[:start], false
	}
	return append(dst, ']'), true
}

// mapCell is a map; the names of its members are keys.
type mapCell struct {
	build     *array.MapBuilder
	key, item cell
	implicit  bool
}

func (c *mapCell) check(at *check, v canon.Value) bool {
	if v.Kind() != canon.Object {
		return at.fail(c.build.Type(), v)
	}
	for name, value := range v.Members() {
		if !c.key.check(at, name) {
			return at.within("{}")
		}
		if value.Kind() != canon.Null && !c.item.check(at, value) {
			return at.within("{}") // the key is data, which errors do not tell
		}
	}
	return true
}

func (c *mapCell) append(v canon.Value) {
	c.build.Append(true)
	for name, value := range v.Members() {
		c.key.append(name)
		if value.Kind() == canon.Null {
			c.build.ItemBuilder().AppendNull()
		} else {
			c.item.append(value)
		}
	}
}

func (c *mapCell) missing() {
	if c.implicit {
		c.build.AppendEmptyValue()
	} else {
		c.build.AppendNull()
	}
}

func (c *mapCell) rest(dst []byte, v canon.Value) ([]byte, bool) {
	start, kept := len(dst), false
	dst = append(dst, '{')
	for name, value := range v.Members() {
		mark := len(dst)
		if kept {
			dst = append(dst, ',')
		}
		dst = canon.AppendString(dst, name.Bytes())
		dst = append(dst, ':')
		more, ok := c.item.rest(dst, value)
		if !ok || value.Kind() == canon.Null {
			dst = dst[:mark]
			continue
		}
		dst, kept = more, true
	}
	if !kept {
		return dst[:start], false
	}
	return append(dst, '}'), true
}
