package jinja

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/tidemill/tidemill"
)

// Callable is a value that a template can call. Implementations that are used
// from several renders at once must be safe for concurrent use.
type Callable interface {
	Call(c *Call) (any, error)
}

// Func makes a Go function callable. It returns a value as templates know
// them; FromGo makes one.
type Func func(c *Call) (any, error)

// Call calls f.
func (f Func) Call(c *Call) (any, error) { return f(c) }

// Kwarg is one argument given by name.
type Kwarg struct {
	Name  string
	Value any
}

// Call is one call under way. It is valid until the function returns.
type Call struct {
	Args   []any
	Kwargs []Kwarg
	frame  *frame
	off    int
}

// Context returns the context of the render.
func (c *Call) Context() context.Context { return c.frame.run.ctx }

// Pos returns the place of the call.
func (c *Call) Pos() tidemill.Pos { return c.frame.tmpl.posAt(c.off) }

// Invoke calls fn as part of the same render: its limits, its context and its
// macro stack hold. Errors must be returned unwrapped or wrapped by %w.
func (c *Call) Invoke(fn any, args []any, kwargs ...Kwarg) (any, error) {
	return c.frame.call(c.off, fn, args, kwargs)
}

// Items returns what a loop over v would see.
func (c *Call) Items(v any) ([]any, error) { return c.budget().collect(v) }

// Lookup returns what name means where the call stands: a variable of the
// template, a name of the scope, or a global.
func (c *Call) Lookup(name string) (any, bool) { return c.frame.lookup(name) }

// Kwarg returns the argument given by name.
func (c *Call) Kwarg(name string) (any, bool) {
	for _, k := range c.Kwargs {
		if k.Name == name {
			return k.Value, true
		}
	}
	return nil, false
}

// Unpack matches the arguments with params, one value each: by position, then
// by name. A param that ends in ? may be left out and is Missing then. fn
// names the function in errors.
func (c *Call) Unpack(fn string, params ...string) ([]any, error) {
	if len(c.Args) > len(params) {
		return nil, errType("%s() takes at most %d argument(s), got %d", fn, len(params), len(c.Args))
	}
	out := make([]any, len(params))
	copy(out, c.Args)
	for i := len(c.Args); i < len(params); i++ {
		out[i] = Missing
	}
	for _, k := range c.Kwargs {
		i := slices.IndexFunc(params, func(p string) bool { return strings.TrimSuffix(p, "?") == k.Name })
		if i < 0 {
			return nil, errType("%s() got an unexpected keyword argument '%s'", fn, k.Name)
		}
		if out[i] != Missing {
			return nil, errType("%s() got multiple values for argument '%s'", fn, k.Name)
		}
		out[i] = k.Value
	}
	for i, p := range params {
		if out[i] == Missing && !strings.HasSuffix(p, "?") {
			return nil, errType("%s() missing required argument: '%s'", fn, p)
		}
	}
	return out, nil
}

// budget returns the budget of the render.
func (c *Call) budget() *budget { return c.frame.run.budget }

// call calls fn from f at offset off.
func (f *frame) call(off int, fn any, args []any, kwargs []Kwarg) (any, error) {
	if err := f.run.step(1); err != nil {
		return nil, f.at(off, err)
	}
	callable, ok := fn.(Callable)
	if !ok {
		if u, isUndef := fn.(*Undefined); isUndef {
			return nil, f.at(off, u.Err())
		}
		return nil, f.at(off, errType("'%s' object is not callable", typeName(fn)))
	}
	if err := f.run.enter(); err != nil {
		return nil, f.at(off, err)
	}
	v, err := callable.Call(&Call{Args: args, Kwargs: kwargs, frame: f, off: off})
	f.run.depth--
	if err != nil {
		return nil, f.at(off, err)
	}
	return v, nil
}

func (r *run) enter() error {
	r.depth++
	if r.depth > r.lim.Depth {
		r.depth--
		return fmt.Errorf("calls are nested more than %d deep", r.lim.Depth)
	}
	return nil
}
