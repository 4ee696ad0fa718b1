package jinja

import (
	"errors"
	"fmt"
)

func builtinGlobals() map[string]any {
	return map[string]any{
		"range":     Func(rangeGlobal),
		"dict":      Func(dictGlobal),
		"namespace": Func(namespaceGlobal),
		"cycler":    Func(cyclerGlobal),
		"joiner":    Func(joinerGlobal),
		"return":    Func(returnGlobal),
	}
}

// returnGlobal ends the macro it is called in, which then has that value.
func returnGlobal(c *Call) (any, error) {
	a, err := c.Unpack("return", "data?")
	if err != nil {
		return nil, err
	}
	if a[0] == Missing {
		a[0] = nil
	}
	return nil, &returned{a[0]}
}

const maxRange = 1 << 53

func rangeGlobal(c *Call) (any, error) {
	if len(c.Args) == 0 || len(c.Args) > 3 || len(c.Kwargs) > 0 {
		return nil, errType("range expected 1 to 3 arguments, got %d", len(c.Args)+len(c.Kwargs))
	}
	n := [3]int64{}
	for i, v := range c.Args {
		k, ok := asInt(v)
		if !ok {
			return nil, errType("'%s' object cannot be interpreted as an integer", typeName(v))
		}
		if k > maxRange || k < -maxRange {
			return nil, errors.New("range is too large")
		}
		n[i] = k
	}
	switch len(c.Args) {
	case 1:
		return &rangeValue{0, n[0], 1}, nil
	case 2:
		return &rangeValue{n[0], n[1], 1}, nil
	}
	if n[2] == 0 {
		return nil, errors.New("range() arg 3 must not be zero")
	}
	return &rangeValue{n[0], n[1], n[2]}, nil
}

// dictOf builds what dict(pairs, **kwargs) returns.
func (c *Call) dictOf(fn string) (*Dict, error) {
	d := NewDict()
	if len(c.Args) > 1 {
		return nil, errType("%s expected at most 1 argument, got %d", fn, len(c.Args))
	}
	if len(c.Args) == 1 {
		if err := c.budget().fill(d, c.Args[0]); err != nil {
			return nil, err
		}
	}
	for _, k := range c.Kwargs {
		if err := d.Set(k.Name, k.Value); err != nil {
			return nil, err
		}
	}
	return d, nil
}

// fill sets in d what src holds: a mapping, or pairs.
func (b *budget) fill(d *Dict, src any) error {
	if from, ok := src.(*Dict); ok {
		if err := b.list(4 * from.Len()); err != nil {
			return err
		}
		for k, v := range from.All() {
			if err := d.Set(k, v); err != nil {
				return err
			}
		}
		return nil
	}
	if ns, ok := src.(*namespace); ok {
		return b.fill(d, ns.vars)
	}
	pairs, err := b.collect(src)
	if err != nil {
		return err
	}
	for i, p := range pairs {
		kv, err := b.collect(p)
		if err != nil {
			return errType("cannot convert dictionary update sequence element #%d to a sequence", i)
		}
		if len(kv) != 2 {
			return fmt.Errorf("dictionary update sequence element #%d has length %d; 2 is required", i, len(kv))
		}
		if err := b.list(4); err != nil {
			return err
		}
		if err := d.Set(kv[0], kv[1]); err != nil {
			return err
		}
	}
	return nil
}

func dictGlobal(c *Call) (any, error) { return c.dictOf("dict") }

// namespace is an object whose attributes {% set ns.x = ... %} may change.
type namespace struct{ vars *Dict }

func (n *namespace) typeName() string { return "Namespace" }

func (n *namespace) repr(w *textWriter, depth int) {
	w.put("<Namespace ")
	w.repr(n.vars, depth+1)
	w.put(">")
}

// GetAttr returns what was set.
func (n *namespace) GetAttr(name string) (any, bool) { return n.vars.Get(name) }

// GetItem returns what was set.
func (n *namespace) GetItem(key any) (any, bool) { return n.vars.Get(key) }

func namespaceGlobal(c *Call) (any, error) {
	d, err := c.dictOf("namespace")
	if err != nil {
		return nil, err
	}
	return &namespace{d}, nil
}

// cycler steps through items in a circle.
type cycler struct {
	items []any
	at    int
}

func (y *cycler) typeName() string { return "Cycler" }

// GetAttr returns current, next and reset.
func (y *cycler) GetAttr(name string) (any, bool) {
	switch name {
	case "current":
		return y.items[y.at], true
	case "pos":
		return int64(y.at), true
	case "items":
		return Tuple(y.items), true
	case "next":
		return Func(func(*Call) (any, error) {
			v := y.items[y.at]
			y.at = (y.at + 1) % len(y.items)
			return v, nil
		}), true
	case "reset":
		return Func(func(*Call) (any, error) { y.at = 0; return nil, nil }), true
	}
	return nil, false
}

func cyclerGlobal(c *Call) (any, error) {
	if len(c.Args) == 0 {
		return nil, errors.New("at least one item has to be provided")
	}
	return &cycler{items: c.Args}, nil
}

// joiner is empty at its first call and sep at every other.
type joiner struct {
	sep  any
	used bool
}

func (j *joiner) typeName() string { return "Joiner" }

// Call returns the separator, but not the first time.
func (j *joiner) Call(*Call) (any, error) {
	if !j.used {
		j.used = true
		return "", nil
	}
	return j.sep, nil
}

func joinerGlobal(c *Call) (any, error) {
	a, err := c.Unpack("joiner", "sep?")
	if err != nil {
		return nil, err
	}
	if a[0] == Missing {
		a[0] = ", "
	}
	return &joiner{sep: a[0]}, nil
}
