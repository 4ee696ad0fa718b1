package jinja

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// getter returns a function that reads attribute from an item: "a.b" goes
// down two levels, a number is an index, None the item itself.
func (c *Call) getter(attribute any) (func(any) (any, error), error) {
	path, err := attrPath(attribute)
	if err != nil {
		return nil, err
	}
	return func(item any) (any, error) {
		for _, key := range path {
			if err := c.budget().step(1); err != nil {
				return nil, err
			}
			var err error
			if item, err = c.frame.getItem(item, key); err != nil {
				return nil, err
			}
		}
		return item, nil
	}, nil
}

func attrPath(attribute any) ([]any, error) {
	switch a := attribute.(type) {
	case nil:
		return nil, nil
	case int64:
		return []any{a}, nil
	case string:
		var path []any
		for _, part := range strings.Split(a, ".") {
			if n, err := strconv.ParseUint(part, 10, 32); err == nil {
				path = append(path, int64(n))
			} else {
				path = append(path, part)
			}
		}
		return path, nil
	}
	return nil, errType("attribute must be a name or an index, not %s", typeName(attribute))
}

// named returns the builtin filter or test that an argument names.
func named(kind string, v any, m map[string]Func) (Func, error) {
	name, ok := v.(string)
	if !ok {
		return nil, errType("the name of a %s must be a string, not %s", kind, typeName(v))
	}
	fn, ok := m[name]
	if !ok {
		return nil, fmt.Errorf("no %s named '%s'%s", kind, name, nearest(name, m))
	}
	return fn, nil
}

// mapFilter applies a filter, or reads an attribute, from every item.
func mapFilter(c *Call) ([]any, error) {
	if len(c.Args) == 0 {
		return nil, errType("map() missing required argument: 'value'")
	}
	b := c.budget()
	items, err := b.collect(c.Args[0])
	if err != nil {
		return nil, err
	}
	apply, err := c.mapper()
	if err != nil {
		return nil, err
	}
	for i, it := range items {
		if items[i], err = apply(it); err != nil {
			return nil, err
		}
	}
	return items, nil
}

func (c *Call) mapper() (func(any) (any, error), error) {
	attribute, byAttr := c.Kwarg("attribute")
	if len(c.Args) == 1 && byAttr {
		def, hasDefault := c.Kwarg("default")
		for _, k := range c.Kwargs {
			if k.Name != "attribute" && k.Name != "default" {
				return nil, errType("unexpected keyword argument '%s'", k.Name)
			}
		}
		get, err := c.getter(attribute)
		return func(it any) (any, error) {
			v, err := get(it)
			if isUndefined(v) && hasDefault {
				v = def
			}
			return v, err
		}, err
	}
	if len(c.Args) < 2 {
		return nil, errType("map requires a filter argument")
	}
	fn, err := named("filter", c.Args[1], c.frame.tmpl.env.filters)
	if err != nil {
		return nil, err
	}
	rest := c.Args[2:]
	return func(it any) (any, error) {
		return c.Invoke(fn, append([]any{it}, rest...), c.Kwargs...)
	}, nil
}

// pickFilter keeps the items, or leaves out the items, for which a test, by
// default the item's truth, holds; the tests of the attr filters see an
// attribute.
func pickFilter(name string, keep, attr bool) func(*Call) ([]any, error) {
	return func(c *Call) ([]any, error) {
		need := 1
		if attr {
			need = 2
		}
		if len(c.Args) < need {
			return nil, errType("%s: missing argument", name)
		}
		var attribute any
		if attr {
			attribute = c.Args[1]
		}
		get, err := c.getter(attribute)
		if err != nil {
			return nil, err
		}
		holds, err := c.predicate(need)
		if err != nil {
			return nil, err
		}
		items, err := c.budget().collect(c.Args[0])
		if err != nil {
			return nil, err
		}
		var out []any
		for _, it := range items {
			v, err := get(it)
			if err != nil {
				return nil, err
			}
			ok, err := holds(v)
			if err != nil {
				return nil, err
			}
			if ok == keep {
				out = append(out, it)
			}
		}
		return out, nil
	}
}

// predicate returns the test that the argument at names, with the arguments
// after it.
func (c *Call) predicate(at int) (func(any) (bool, error), error) {
	if len(c.Args) <= at {
		return func(v any) (bool, error) { return Truth(v), nil }, nil
	}
	fn, err := named("test", c.Args[at], c.frame.tmpl.env.tests)
	if err != nil {
		return nil, err
	}
	rest := c.Args[at+1:]
	return func(v any) (bool, error) {
		r, err := c.Invoke(fn, append([]any{v}, rest...), c.Kwargs...)
		return Truth(r), err
	}, nil
}

func sortFilter(c *Call) (any, error) {
	a, err := c.Unpack("sort", "value", "reverse?", "case_sensitive?", "attribute?")
	if err != nil {
		return nil, err
	}
	items, err := c.budget().collect(a[0])
	if err != nil {
		return nil, err
	}
	fold := !Truth(or(a[2], false))
	var gets []func(any) (any, error)
	attrs := []any{or(a[3], nil)}
	if s, ok := attrs[0].(string); ok {
		attrs = nil
		for _, part := range strings.Split(s, ",") {
			attrs = append(attrs, part)
		}
	}
	for _, attribute := range attrs {
		get, err := c.getter(attribute)
		if err != nil {
			return nil, err
		}
		gets = append(gets, get)
	}
	err = c.sortBy(items, Truth(or(a[1], false)), func(it any) (any, error) {
		key := make(Tuple, len(gets))
		for i, get := range gets {
			v, err := get(it)
			if err != nil {
				return nil, err
			}
			key[i] = foldCase(v, fold)
		}
		return key, nil
	})
	return NewList(items...), err
}

func uniqueFilter(c *Call) ([]any, error) {
	a, err := c.Unpack("unique", "value", "case_sensitive?", "attribute?")
	if err != nil {
		return nil, err
	}
	items, err := c.budget().collect(a[0])
	if err != nil {
		return nil, err
	}
	get, err := c.getter(or(a[2], nil))
	if err != nil {
		return nil, err
	}
	fold := !Truth(or(a[1], false))
	seen := NewDict()
	var out []any
	for _, it := range items {
		k, err := get(it)
		if err != nil {
			return nil, err
		}
		k = foldCase(k, fold)
		n := seen.Len()
		if err := seen.Set(k, nil); err != nil {
			return nil, err
		}
		if seen.Len() > n {
			out = append(out, it)
		}
	}
	return out, nil
}

// group is one result of groupby: a tuple whose two fields have names.
type group struct {
	key  any
	list *List
}

func (g *group) typeName() string { return "_GroupTuple" }

func (g *group) repr(w *textWriter, depth int) {
	w.repr(Tuple{g.key, g.list}, depth)
}

// Elements returns the key and the list.
func (g *group) Elements() []any { return []any{g.key, g.list} }

// GetAttr returns grouper, the key, and list.
func (g *group) GetAttr(name string) (any, bool) {
	switch name {
	case "grouper":
		return g.key, true
	case "list":
		return g.list, true
	}
	return nil, false
}

func groupByFilter(c *Call) (any, error) {
	a, err := c.Unpack("groupby", "value", "attribute", "default?", "case_sensitive?")
	if err != nil {
		return nil, err
	}
	items, err := c.budget().collect(a[0])
	if err != nil {
		return nil, err
	}
	get, err := c.getter(a[1])
	if err != nil {
		return nil, err
	}
	def, fold := or(a[2], nil), !Truth(or(a[3], false))
	read := func(it any) (any, error) {
		v, err := get(it)
		if isUndefined(v) && def != nil {
			v = def
		}
		return v, err
	}
	key := func(it any) (any, error) {
		v, err := read(it)
		return foldCase(v, fold), err
	}
	if err := c.sortBy(items, false, key); err != nil {
		return nil, err
	}
	out := NewList()
	var last any
	for _, it := range items {
		k, err := key(it)
		if err != nil {
			return nil, err
		}
		if n := len(out.Items); n > 0 {
			eq, err := c.budget().equal(k, last, 0)
			if err != nil {
				return nil, err
			}
			if eq {
				g := out.Items[n-1].(*group)
				g.list.Items = append(g.list.Items, it)
				continue
			}
		}
		last = k
		shown, err := read(it)
		if err != nil {
			return nil, err
		}
		out.Items = append(out.Items, &group{shown, NewList(it)})
	}
	return out, nil
}

func listOf(ss []string) *List {
	return NewList(slices.Collect(func(yield func(any) bool) {
		for _, s := range ss {
			if !yield(s) {
				return
			}
		}
	})...)
}
