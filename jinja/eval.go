package jinja

import "strings"

func (e *constExpr) eval(*frame) (any, error) { return e.val, nil }

func (e *nameExpr) eval(f *frame) (any, error) {
	if v, ok := f.lookup(e.name); ok {
		return v, nil
	}
	return f.undefined("'%s' is undefined", e.name), nil
}

func (f *frame) evalAll(es []expr) ([]any, error) {
	if len(es) == 0 {
		return nil, nil
	}
	out := make([]any, len(es))
	for i, e := range es {
		v, err := e.eval(f)
		if err != nil {
			return nil, err
		}
		out[i] = v
	}
	return out, nil
}

func (e *listExpr) eval(f *frame) (any, error) {
	if err := f.run.list(len(e.items)); err != nil {
		return nil, f.at(e.pos(), err)
	}
	items, err := f.evalAll(e.items)
	return NewList(items...), err
}

func (e *tupleExpr) eval(f *frame) (any, error) {
	if err := f.run.list(len(e.items)); err != nil {
		return nil, f.at(e.pos(), err)
	}
	items, err := f.evalAll(e.items)
	return Tuple(items), err
}

func (e *dictExpr) eval(f *frame) (any, error) {
	if err := f.run.list(4 * len(e.keys)); err != nil {
		return nil, f.at(e.pos(), err)
	}
	d := NewDict()
	for i := range e.keys {
		k, err := e.keys[i].eval(f)
		if err != nil {
			return nil, err
		}
		v, err := e.vals[i].eval(f)
		if err != nil {
			return nil, err
		}
		if err := d.Set(k, v); err != nil {
			return nil, f.at(e.keys[i].pos(), err)
		}
	}
	return d, nil
}

func (e *attrExpr) eval(f *frame) (any, error) {
	obj, err := e.obj.eval(f)
	if err != nil {
		return nil, err
	}
	v, err := f.getAttr(obj, e.name)
	if err != nil {
		return nil, f.at(e.pos(), err)
	}
	return v, nil
}

func (e *itemExpr) eval(f *frame) (any, error) {
	obj, err := e.obj.eval(f)
	if err != nil {
		return nil, err
	}
	key, err := e.key.eval(f)
	if err != nil {
		return nil, err
	}
	v, err := f.getItem(obj, key)
	if err != nil {
		return nil, f.at(e.pos(), err)
	}
	return v, nil
}

// sliceKey is the value of start:stop:step between brackets.
type sliceKey struct{ start, stop, step any }

func (e *sliceExpr) eval(f *frame) (any, error) {
	var k sliceKey
	for _, part := range []struct {
		in expr
		to *any
	}{{e.start, &k.start}, {e.stop, &k.stop}, {e.step, &k.step}} {
		if part.in == nil {
			continue
		}
		v, err := part.in.eval(f)
		if err != nil {
			return nil, err
		}
		*part.to = v
	}
	return k, nil
}

// evalArgs evaluates the arguments of a call; first, if given, comes before
// them.
func (f *frame) evalArgs(off int, a *callArgs, first ...any) ([]any, []Kwarg, error) {
	var args []any
	if n := len(first) + len(a.args); n > 0 {
		args = append(make([]any, 0, n), first...)
	}
	for _, e := range a.args {
		v, err := e.eval(f)
		if err != nil {
			return nil, nil, err
		}
		args = append(args, v)
	}
	var kwargs []Kwarg
	for i, e := range a.kwargs {
		v, err := e.eval(f)
		if err != nil {
			return nil, nil, err
		}
		if kwargs, err = addKwarg(kwargs, a.names[i], v); err != nil {
			return nil, nil, f.at(off, err)
		}
	}
	if a.star != nil {
		v, err := a.star.eval(f)
		if err != nil {
			return nil, nil, err
		}
		more, err := f.run.collect(v)
		if err != nil {
			return nil, nil, f.at(off, err)
		}
		args = append(args, more...)
	}
	if a.starstar == nil {
		return args, kwargs, nil
	}
	v, err := a.starstar.eval(f)
	if err != nil {
		return nil, nil, err
	}
	d, ok := v.(*Dict)
	if !ok {
		return nil, nil, f.at(off, errType("argument after ** must be a mapping, not %s", typeName(v)))
	}
	for k, v := range d.All() {
		name, ok := k.(string)
		if !ok {
			return nil, nil, f.at(off, errType("keywords must be strings"))
		}
		if kwargs, err = addKwarg(kwargs, name, v); err != nil {
			return nil, nil, f.at(off, err)
		}
	}
	return args, kwargs, nil
}

func addKwarg(kwargs []Kwarg, name string, v any) ([]Kwarg, error) {
	if len(kwargs) > 1000 {
		return nil, errType("more than 1000 keyword arguments")
	}
	for _, k := range kwargs {
		if k.Name == name {
			return nil, errType("got multiple values for keyword argument '%s'", name)
		}
	}
	return append(kwargs, Kwarg{name, v}), nil
}

func (e *callExpr) eval(f *frame) (any, error) { return e.with(f) }

// with evaluates the call with kwargs besides its own.
func (e *callExpr) with(f *frame, more ...Kwarg) (any, error) {
	fn, err := e.fn.eval(f)
	if err != nil {
		return nil, err
	}
	args, kwargs, err := f.evalArgs(e.pos(), &e.args)
	if err != nil {
		return nil, err
	}
	return f.call(e.pos(), fn, args, append(kwargs, more...))
}

func (e *filterExpr) eval(f *frame) (any, error) {
	in, err := e.in.eval(f)
	if err != nil {
		return nil, err
	}
	return f.apply(e, in)
}

// apply runs one filter on in.
func (f *frame) apply(e *filterExpr, in any) (any, error) {
	args, kwargs, err := f.evalArgs(e.pos(), &e.args, in)
	if err != nil {
		return nil, err
	}
	return f.call(e.pos(), e.fn, args, kwargs)
}

// applyChain runs the filters of a filter block, whose innermost has no input
// of its own, on text.
func (f *frame) applyChain(e expr, text string) (any, error) {
	fe := e.(*filterExpr)
	in := any(text)
	if fe.in != nil {
		var err error
		if in, err = f.applyChain(fe.in, text); err != nil {
			return nil, err
		}
	}
	return f.apply(fe, in)
}

func (e *testExpr) eval(f *frame) (any, error) {
	in, err := e.in.eval(f)
	if err != nil {
		return nil, err
	}
	args, kwargs, err := f.evalArgs(e.pos(), &e.args, in)
	if err != nil {
		return nil, err
	}
	v, err := f.call(e.pos(), e.fn, args, kwargs)
	if err != nil {
		return nil, err
	}
	return v, nil
}

func (e *condExpr) eval(f *frame) (any, error) {
	ok, err := f.truth(e.test)
	if err != nil {
		return nil, err
	}
	if ok {
		return e.then.eval(f)
	}
	if e.other != nil {
		return e.other.eval(f)
	}
	return e.none, nil
}

// truth evaluates e as a condition.
func (f *frame) truth(e expr) (bool, error) {
	v, err := e.eval(f)
	if err != nil {
		return false, err
	}
	if u, ok := v.(*Undefined); ok && u.strict {
		return false, f.at(e.pos(), u.Err())
	}
	return Truth(v), nil
}

func (e *logicExpr) eval(f *frame) (any, error) {
	var v any
	for i, it := range e.items {
		var err error
		if v, err = it.eval(f); err != nil {
			return nil, err
		}
		if i == len(e.items)-1 {
			break
		}
		if u, ok := v.(*Undefined); ok && u.strict {
			return nil, f.at(it.pos(), u.Err())
		}
		if Truth(v) == e.or {
			return v, nil
		}
	}
	return v, nil
}

func (e *notExpr) eval(f *frame) (any, error) {
	ok, err := f.truth(e.in)
	return !ok, err
}

func (e *compareExpr) eval(f *frame) (any, error) {
	x, err := e.first.eval(f)
	if err != nil {
		return nil, err
	}
	for i, op := range e.ops {
		y, err := e.rest[i].eval(f)
		if err != nil {
			return nil, err
		}
		ok, err := f.run.compare(op, x, y)
		if err != nil {
			return nil, f.at(e.pos(), err)
		}
		if !ok {
			return false, nil
		}
		x = y
	}
	return true, nil
}

func (e *concatExpr) eval(f *frame) (any, error) {
	var b strings.Builder
	for _, it := range e.items {
		v, err := it.eval(f)
		if err != nil {
			return nil, err
		}
		s, err := f.run.str(v)
		if err == nil {
			err = f.run.alloc(len(s))
		}
		if err != nil {
			return nil, f.at(it.pos(), err)
		}
		b.WriteString(s)
	}
	return b.String(), nil
}

func (e *binaryExpr) eval(f *frame) (any, error) {
	x, err := e.x.eval(f)
	if err != nil {
		return nil, err
	}
	y, err := e.y.eval(f)
	if err != nil {
		return nil, err
	}
	v, err := f.run.binary(e.op, x, y)
	if err != nil {
		return nil, f.at(e.pos(), err)
	}
	return v, nil
}

func (e *unaryExpr) eval(f *frame) (any, error) {
	v, err := e.in.eval(f)
	if err != nil {
		return nil, err
	}
	if v, err = negate(v, e.plus); err != nil {
		return nil, f.at(e.pos(), err)
	}
	return v, nil
}
