package jinja

import "errors"

func keyError(key any) error { return errType("key %s is not in the dict", Repr(key)) }

func dictGet(c *Call, self any) (any, error) {
	a, err := c.Unpack("get", "key", "default?")
	if err != nil {
		return nil, err
	}
	if _, err := hashKey(a[0], 0); err != nil {
		return nil, err
	}
	if v, ok := self.(*Dict).Get(a[0]); ok {
		return v, nil
	}
	return or(a[1], nil), nil
}

func dictPop(c *Call, self any) (any, error) {
	a, err := c.Unpack("pop", "key", "default?")
	if err != nil {
		return nil, err
	}
	d := self.(*Dict)
	if v, ok := d.Get(a[0]); ok {
		d.Delete(a[0])
		return v, nil
	}
	if a[1] == Missing {
		return nil, keyError(a[0])
	}
	return a[1], nil
}

func dictPopItem(c *Call, self any) (any, error) {
	d := self.(*Dict)
	for i := len(d.entries) - 1; i >= 0; i-- {
		if e := d.entries[i]; !e.gone {
			d.Delete(e.key)
			d.entries = d.entries[:min(i, len(d.entries))]
			return Tuple{e.key, e.val}, nil
		}
	}
	return nil, errors.New("popitem(): dictionary is empty")
}

func dictSetDefault(c *Call, self any) (any, error) {
	a, err := c.Unpack("setdefault", "key", "default?")
	if err != nil {
		return nil, err
	}
	d := self.(*Dict)
	if v, ok := d.Get(a[0]); ok {
		return v, nil
	}
	v := or(a[1], nil)
	if err := c.budget().list(4); err != nil {
		return nil, err
	}
	return v, d.Set(a[0], v)
}

func dictUpdate(c *Call, self any) (any, error) {
	from, err := c.dictOf("update")
	if err != nil {
		return nil, err
	}
	return nil, c.budget().fill(self.(*Dict), from)
}

func dictClear(c *Call, self any) (any, error) {
	_, err := c.Unpack("clear")
	*self.(*Dict) = *NewDict()
	return nil, err
}

func dictCopy(c *Call, self any) (any, error) {
	d := self.(*Dict)
	return d.Copy(), c.budget().list(4 * d.Len())
}

func dictFromKeys(c *Call, _ any) (any, error) {
	a, err := c.Unpack("fromkeys", "iterable", "value?")
	if err != nil {
		return nil, err
	}
	keys, err := c.budget().collect(a[0])
	if err != nil {
		return nil, err
	}
	d := NewDict()
	for _, k := range keys {
		if err := d.Set(k, or(a[1], nil)); err != nil {
			return nil, err
		}
	}
	return d, c.budget().list(4 * d.Len())
}

func dictView(kind int) methodFunc {
	return func(c *Call, self any) (any, error) {
		_, err := c.Unpack("view")
		return &view{self.(*Dict), kind}, err
	}
}

func setAdd(c *Call, self any) (any, error) {
	a, err := c.Unpack("add", "elem")
	if err != nil {
		return nil, err
	}
	if err := c.budget().list(4); err != nil {
		return nil, err
	}
	return nil, self.(*Set).dict.Set(a[0], nil)
}

func setRemove(c *Call, self any) (any, error) {
	a, err := c.Unpack("remove", "elem")
	if err != nil {
		return nil, err
	}
	if !self.(*Set).dict.Delete(a[0]) {
		return nil, errType("%s is not in the set", Repr(a[0]))
	}
	return nil, nil
}

func setDiscard(c *Call, self any) (any, error) {
	a, err := c.Unpack("discard", "elem")
	if err == nil {
		self.(*Set).dict.Delete(a[0])
	}
	return nil, err
}

func setCopy(c *Call, self any) (any, error) {
	s := self.(*Set)
	return &Set{s.dict.Copy()}, c.budget().list(4 * s.Len())
}

// others returns the elements of every argument.
func others(c *Call) ([]any, error) {
	var out []any
	for _, a := range c.Args {
		more, err := c.budget().collect(a)
		if err != nil {
			return nil, err
		}
		out = append(out, more...)
	}
	return out, c.budget().list(4 * len(out))
}

func setUpdate(c *Call, self any) (any, error) {
	more, err := others(c)
	for _, v := range more {
		if err == nil {
			err = self.(*Set).dict.Set(v, nil)
		}
	}
	return nil, err
}

func setUnion(c *Call, self any) (any, error) {
	u, err := setCopy(c, self)
	if err != nil {
		return nil, err
	}
	_, err = setUpdate(c, u)
	return u, err
}

func setDifference(c *Call, self any) (any, error) {
	other, err := otherSet(c)
	if err != nil {
		return nil, err
	}
	return self.(*Set).without(other), c.budget().list(4 * self.(*Set).Len())
}

func setIntersection(c *Call, self any) (any, error) {
	other, err := otherSet(c)
	if err != nil {
		return nil, err
	}
	s := self.(*Set)
	return s.without(s.without(other)), c.budget().list(8 * s.Len())
}

func otherSet(c *Call) (*Set, error) {
	more, err := others(c)
	if err != nil {
		return nil, err
	}
	return NewSet(more...)
}

func setIsSubset(c *Call, self any) (any, error) {
	other, err := otherSet(c)
	if err != nil {
		return nil, err
	}
	return self.(*Set).without(other).Len() == 0, nil
}

func setIsSuperset(c *Call, self any) (any, error) {
	other, err := otherSet(c)
	if err != nil {
		return nil, err
	}
	return other.without(self.(*Set)).Len() == 0, nil
}

func setIsDisjoint(c *Call, self any) (any, error) {
	other, err := otherSet(c)
	if err != nil {
		return nil, err
	}
	return self.(*Set).without(other).Len() == self.(*Set).Len(), nil
}
