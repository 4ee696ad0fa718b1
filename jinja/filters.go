package jinja

import (
	"errors"
	"slices"
	"strings"
)

// builtinFilters returns the filters by name. Each takes the value first.
func builtinFilters() map[string]Func {
	return map[string]Func{
		"abs": absFilter, "float": floatFilter, "int": intFilter, "round": roundFilter, "sum": sumFilter,
		"min": extreme("min", -1), "max": extreme("max", 1), "random": randomFilter,

		"default": defaultFilter, "d": defaultFilter, "length": lengthFilter, "count": lengthFilter,
		"list": listFilter, "first": firstFilter, "last": lastFilter, "reverse": reverseFilter,
		"join": joinFilter, "batch": lazy("do_batch", batchFilter), "slice": lazy("do_slice", sliceFilter),
		"items": lazy("do_items", itemsFilter), "dictsort": dictSortFilter, "attr": attrFilter,

		"map": lazy("sync_do_map", mapFilter), "sort": sortFilter, "unique": lazy("sync_do_unique", uniqueFilter), "groupby": groupByFilter,
		"select": lazy("select_or_reject", pickFilter("select", true, false)), "reject": lazy("select_or_reject", pickFilter("reject", false, false)),
		"selectattr": lazy("select_or_reject", pickFilter("selectattr", true, true)), "rejectattr": lazy("select_or_reject", pickFilter("rejectattr", false, true)),

		"string": stringFilter, "safe": stringFilter, "lower": methodFilter("lower"), "upper": methodFilter("upper"),
		"capitalize": methodFilter("capitalize"), "title": textFilter(titleWords), "trim": trimFilter,
		"replace": replaceFilter, "format": formatFilter, "indent": indentFilter, "center": centerFilter,
		"truncate": truncateFilter, "wordcount": wordCountFilter, "wordwrap": wordWrapFilter,
		"escape": textFilter(escapeHTML), "e": textFilter(escapeHTML), "forceescape": textFilter(escapeHTML),
		"striptags": textFilter(stripTags), "urlencode": urlEncodeFilter, "filesizeformat": fileSizeFilter,
		"pprint": pprintFilter, "xmlattr": xmlAttrFilter,
		"tojson": toJSONFilter, "fromjson": fromJSONFilter,
	}
}

// lazy is a filter whose result is a generator.
func lazy(name string, fn func(c *Call) ([]any, error)) Func {
	return func(c *Call) (any, error) {
		return &generator{name: name, make: func() ([]any, error) { return fn(c) }}, nil
	}
}

// or returns v, or def where v was not given.
func or(v, def any) any {
	if v == Missing {
		return def
	}
	return v
}

// wantInt returns an int argument.
func wantInt(v any, def int64) (int, error) {
	n, ok := asInt(or(v, def))
	if !ok {
		return 0, errType("'%s' object cannot be interpreted as an integer", typeName(v))
	}
	return int(min(max(n, -1<<40), 1<<40)), nil
}

// wantStr returns a str argument.
func wantStr(v any, def string) (string, error) {
	s, ok := or(v, def).(string)
	if !ok {
		return "", errType("expected str, got %s", typeName(v))
	}
	return s, nil
}

func defaultFilter(c *Call) (any, error) {
	a, err := c.Unpack("default", "value", "default_value?", "boolean?")
	if err != nil {
		return nil, err
	}
	if isUndefined(a[0]) || Truth(or(a[2], false)) && !Truth(a[0]) {
		return or(a[1], ""), nil
	}
	return a[0], nil
}

func lengthFilter(c *Call) (any, error) {
	a, err := c.Unpack("length", "value")
	if err != nil {
		return nil, err
	}
	n, err := length(a[0])
	return int64(n), err
}

func listFilter(c *Call) (any, error) {
	a, err := c.Unpack("list", "value")
	if err != nil {
		return nil, err
	}
	items, err := c.budget().collect(a[0])
	return NewList(items...), err
}

func firstFilter(c *Call) (any, error) {
	a, err := c.Unpack("first", "seq")
	if err != nil {
		return nil, err
	}
	it, err := iterate(a[0])
	if err != nil {
		return nil, err
	}
	v, ok, err := it.next()
	if err == nil && !ok {
		return c.frame.undefined("No first item, sequence was empty."), nil
	}
	return v, err
}

func lastFilter(c *Call) (any, error) {
	a, err := c.Unpack("last", "seq")
	if err != nil {
		return nil, err
	}
	if _, ok := a[0].(*generator); ok {
		return nil, errType("'generator' object is not reversible")
	}
	items, err := c.budget().collect(a[0])
	if err == nil && len(items) == 0 {
		return c.frame.undefined("No last item, sequence was empty."), nil
	}
	if err != nil {
		return nil, err
	}
	return items[len(items)-1], nil
}

func reverseFilter(c *Call) (any, error) {
	a, err := c.Unpack("reverse", "value")
	if err != nil {
		return nil, err
	}
	if s, ok := a[0].(string); ok {
		rs := []rune(s)
		slices.Reverse(rs)
		return string(rs), c.budget().alloc(len(s))
	}
	items, err := c.budget().collect(a[0])
	if err != nil {
		return nil, err
	}
	slices.Reverse(items)
	return &generator{name: "reverse", items: items}, nil
}

func joinFilter(c *Call) (any, error) {
	a, err := c.Unpack("join", "value", "d?", "attribute?")
	if err != nil {
		return nil, err
	}
	b := c.budget()
	items, err := b.collect(a[0])
	if err != nil {
		return nil, err
	}
	sep, err := b.str(or(a[1], ""))
	if err != nil {
		return nil, err
	}
	get, err := c.getter(or(a[2], nil))
	if err != nil {
		return nil, err
	}
	parts := make([]string, len(items))
	for i, it := range items {
		if it, err = get(it); err != nil {
			return nil, err
		}
		if parts[i], err = b.str(it); err != nil {
			return nil, err
		}
		if err := b.alloc(len(parts[i]) + len(sep)); err != nil {
			return nil, err
		}
	}
	return strings.Join(parts, sep), nil
}

// batchFilter groups items in lists of n; fill completes the last one.
func batchFilter(c *Call) ([]any, error) {
	a, err := c.Unpack("batch", "value", "linecount", "fill_with?")
	if err != nil {
		return nil, err
	}
	items, err := c.budget().collect(a[0])
	if err != nil {
		return nil, err
	}
	n, err := wantInt(a[1], 0)
	if err != nil {
		return nil, err
	}
	if n < 1 {
		return nil, errors.New("batch needs a line count of at least 1")
	}
	var out []any
	for chunk := range slices.Chunk(items, n) {
		out = append(out, NewList(slices.Clone(chunk)...))
	}
	if fill := or(a[2], nil); fill != nil && len(out) > 0 {
		if err := c.budget().list(n); err != nil {
			return nil, err
		}
		last := out[len(out)-1].(*List)
		for len(last.Items) < n {
			last.Items = append(last.Items, fill)
		}
	}
	return out, nil
}

// sliceFilter splits items into n lists, the first ones longer by one.
func sliceFilter(c *Call) ([]any, error) {
	a, err := c.Unpack("slice", "value", "slices", "fill_with?")
	if err != nil {
		return nil, err
	}
	items, err := c.budget().collect(a[0])
	if err != nil {
		return nil, err
	}
	n, err := wantInt(a[1], 0)
	if err != nil {
		return nil, err
	}
	if n < 1 {
		return nil, errors.New("slice needs at least 1 slice")
	}
	if err := c.budget().list(n); err != nil {
		return nil, err
	}
	var out []any
	each, extra := len(items)/n, len(items)%n
	for i := range n {
		size := each
		if i < extra {
			size++
		}
		part := slices.Clone(items[:size])
		items = items[size:]
		if fill := or(a[2], nil); fill != nil && i >= extra {
			part = append(part, fill)
		}
		out = append(out, NewList(part...))
	}
	return out, nil
}

func itemsFilter(c *Call) ([]any, error) {
	a, err := c.Unpack("items", "value")
	if err != nil {
		return nil, err
	}
	switch v := a[0].(type) {
	case *Undefined:
		return nil, v.strictErr()
	case *Dict:
		return c.budget().collect(&view{v, viewItems})
	}
	return nil, errType("can only get item pairs from a mapping")
}

func dictSortFilter(c *Call) (any, error) {
	a, err := c.Unpack("dictsort", "value", "case_sensitive?", "by?", "reverse?")
	if err != nil {
		return nil, err
	}
	d, ok := a[0].(*Dict)
	if !ok {
		return nil, errType("'%s' object has no attribute 'items'", typeName(a[0]))
	}
	at := 0
	switch or(a[2], "key") {
	case "key":
	case "value":
		at = 1
	default:
		return nil, errors.New("you can only sort by either 'key' or 'value'")
	}
	items, err := c.budget().collect(&view{d, viewItems})
	if err != nil {
		return nil, err
	}
	fold := !Truth(or(a[1], false))
	err = c.sortBy(items, Truth(or(a[3], false)), func(v any) (any, error) {
		return foldCase(v.(Tuple)[at], fold), nil
	})
	return NewList(items...), err
}

func foldCase(v any, fold bool) any {
	if s, ok := v.(string); ok && fold {
		return strings.ToLower(s)
	}
	return v
}

// sortBy sorts items stably by key. Reverse keeps equal items in order.
func (c *Call) sortBy(items []any, reverse bool, key func(any) (any, error)) error {
	type keyed struct{ item, key any }
	b := c.budget()
	if err := b.list(2 * len(items)); err != nil {
		return err
	}
	ks := make([]keyed, len(items))
	for i, it := range items {
		k, err := key(it)
		if err != nil {
			return err
		}
		ks[i] = keyed{it, k}
	}
	var fault error
	slices.SortStableFunc(ks, func(x, y keyed) int {
		if fault != nil {
			return 0
		}
		if fault = b.step(1); fault != nil {
			return 0
		}
		r := 0
		r, fault = b.order("<", x.key, y.key, 0)
		if r == 2 {
			r = 0
		}
		if reverse {
			return -r
		}
		return r
	})
	for i, k := range ks {
		items[i] = k.item
	}
	return fault
}

func attrFilter(c *Call) (any, error) {
	a, err := c.Unpack("attr", "obj", "name")
	if err != nil {
		return nil, err
	}
	name, err := wantStr(a[1], "")
	if err != nil {
		return nil, err
	}
	if u, ok := a[0].(*Undefined); ok {
		return nil, u.Err()
	}
	v, ok, err := c.frame.attribute(a[0], name)
	if !ok && err == nil {
		return c.frame.undefined("'%s' has no attribute '%s'", typeRepr(a[0]), name), nil
	}
	return v, err
}

func randomFilter(*Call) (any, error) {
	return nil, errors.New("the filter random is not supported: the same input must give the same text")
}
