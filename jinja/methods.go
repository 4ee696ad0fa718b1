package jinja

import (
	"errors"
	"math"
	"slices"
)

var (
	listMethods  map[string]methodFunc
	dictMethods  map[string]methodFunc
	tupleMethods map[string]methodFunc
	setMethods   map[string]methodFunc
	intMethods   map[string]methodFunc
	floatMethods map[string]methodFunc
)

func init() {
	listMethods = map[string]methodFunc{
		"append": listAppend, "extend": listExtend, "insert": listInsert, "pop": listPop, "remove": listRemove,
		"clear": listClear, "copy": listCopy, "reverse": listReverse, "sort": listSort,
		"count": itemsCount, "index": itemsIndex,
	}
	tupleMethods = map[string]methodFunc{"count": itemsCount, "index": itemsIndex}
	dictMethods = map[string]methodFunc{
		"get": dictGet, "pop": dictPop, "popitem": dictPopItem, "setdefault": dictSetDefault, "update": dictUpdate,
		"clear": dictClear, "copy": dictCopy, "fromkeys": dictFromKeys,
		"keys": dictView(viewKeys), "values": dictView(viewValues), "items": dictView(viewItems),
	}
	setMethods = map[string]methodFunc{
		"add": setAdd, "remove": setRemove, "discard": setDiscard, "copy": setCopy, "update": setUpdate,
		"union": setUnion, "difference": setDifference, "intersection": setIntersection,
		"issubset": setIsSubset, "issuperset": setIsSuperset, "isdisjoint": setIsDisjoint,
	}
	intMethods = map[string]methodFunc{
		"bit_length": func(c *Call, self any) (any, error) {
			n, _ := asBig(self)
			return int64(n.BitLen()), nil
		},
	}
	floatMethods = map[string]methodFunc{
		"is_integer": func(_ *Call, self any) (any, error) {
			f := self.(float64)
			return f == math.Trunc(f) && !math.IsInf(f, 0), nil
		},
	}
}

func items(self any) []any {
	switch s := self.(type) {
	case *List:
		return s.Items
	case Tuple:
		return s
	}
	return nil
}

func listAppend(c *Call, self any) (any, error) {
	a, err := c.Unpack("append", "object")
	if err != nil {
		return nil, err
	}
	if err := c.budget().list(1); err != nil {
		return nil, err
	}
	l := self.(*List)
	l.Items = append(l.Items, a[0])
	return nil, nil
}

func listExtend(c *Call, self any) (any, error) {
	a, err := c.Unpack("extend", "iterable")
	if err != nil {
		return nil, err
	}
	more, err := c.budget().collect(a[0])
	if err != nil {
		return nil, err
	}
	l := self.(*List)
	l.Items = append(l.Items, more...)
	return nil, nil
}

func listInsert(c *Call, self any) (any, error) {
	a, err := c.Unpack("insert", "index", "object")
	if err != nil {
		return nil, err
	}
	i, err := wantInt(a[0], 0)
	if err != nil {
		return nil, err
	}
	l := self.(*List)
	if err := c.budget().list(1 + len(l.Items)/64); err != nil {
		return nil, err
	}
	if i < 0 {
		i += len(l.Items)
	}
	i = min(max(i, 0), len(l.Items))
	l.Items = slices.Insert(l.Items, i, a[1])
	return nil, nil
}

func listPop(c *Call, self any) (any, error) {
	a, err := c.Unpack("pop", "index?")
	if err != nil {
		return nil, err
	}
	i, err := wantInt(a[0], -1)
	if err != nil {
		return nil, err
	}
	l := self.(*List)
	if len(l.Items) == 0 {
		return nil, errors.New("pop from empty list")
	}
	if i < 0 {
		i += len(l.Items)
	}
	if i < 0 || i >= len(l.Items) {
		return nil, errors.New("pop index out of range")
	}
	v := l.Items[i]
	l.Items = slices.Delete(l.Items, i, i+1)
	return v, c.budget().step((len(l.Items) - i) / 64)
}

func listRemove(c *Call, self any) (any, error) {
	i, err := find(c, self)
	if err != nil {
		return nil, err
	}
	l := self.(*List)
	l.Items = slices.Delete(l.Items, i, i+1)
	return nil, nil
}

func listClear(c *Call, self any) (any, error) {
	_, err := c.Unpack("clear")
	self.(*List).Items = nil
	return nil, err
}

func listCopy(c *Call, self any) (any, error) {
	l := self.(*List)
	return NewList(slices.Clone(l.Items)...), c.budget().list(len(l.Items))
}

func listReverse(c *Call, self any) (any, error) {
	l := self.(*List)
	slices.Reverse(l.Items)
	return nil, c.budget().step(len(l.Items))
}

func listSort(c *Call, self any) (any, error) {
	key, _ := c.Kwarg("key")
	reverse, _ := c.Kwarg("reverse")
	l := self.(*List)
	return nil, c.sortBy(l.Items, Truth(reverse), func(v any) (any, error) {
		if key == nil {
			return v, nil
		}
		return c.Invoke(key, []any{v})
	})
}

func itemsCount(c *Call, self any) (any, error) {
	a, err := c.Unpack("count", "value")
	if err != nil {
		return nil, err
	}
	n := int64(0)
	for _, it := range items(self) {
		if err := c.budget().step(1); err != nil {
			return nil, err
		}
		eq, err := c.budget().equal(it, a[0], 0)
		if err != nil {
			return nil, err
		}
		if eq {
			n++
		}
	}
	return n, nil
}

func itemsIndex(c *Call, self any) (any, error) {
	i, err := find(c, self)
	return int64(i), err
}

// find returns the index of the first element equal to the argument.
func find(c *Call, self any) (int, error) {
	a, err := c.Unpack("index", "value", "start?", "stop?")
	if err != nil {
		return 0, err
	}
	all := items(self)
	start, _, count, err := sliceKey{start: or(a[1], nil), stop: or(a[2], nil)}.indices(len(all))
	if err != nil {
		return 0, err
	}
	for i := start; i < start+count; i++ {
		if err := c.budget().step(1); err != nil {
			return 0, err
		}
		if eq, err := c.budget().equal(all[i], a[0], 0); eq || err != nil {
			return i, err
		}
	}
	return 0, errType("%s is not in %s", Repr(a[0]), typeName(self))
}
