package jinja

import (
	"maps"
	"slices"

	"github.com/tidemill/tidemill"
)

// CallSite is one call in the source of a template, found without rendering.
type CallSite struct {
	Name    string // as written: "ref", "config.get"
	Pos     tidemill.Pos
	Literal bool // whether all arguments are constants; if not, Args and Kwargs are empty
	Args    []any
	Kwargs  []Kwarg
}

// Calls returns the calls of the functions named, wherever they stand in the
// template, in the order of the source. A name may have dots: "config.get".
// Each call returns values of its own.
func (t *Template) Calls(names ...string) []CallSite {
	var out []CallSite
	for _, c := range t.calls {
		name := dottedName(c.fn)
		if name == "" || !slices.Contains(names, name) {
			continue
		}
		site := CallSite{Name: name, Pos: t.posAt(nameOffset(c.fn))}
		if args, kwargs, ok := literalArgs(&c.args); ok {
			site.Literal, site.Args, site.Kwargs = true, args, kwargs
		}
		out = append(out, site)
	}
	slices.SortStableFunc(out, func(a, b CallSite) int {
		if a.Pos.Line != b.Pos.Line {
			return a.Pos.Line - b.Pos.Line
		}
		return a.Pos.Column - b.Pos.Column
	})
	return out
}

// Names returns every name that the template mentions as a variable or
// function, sorted, including those it sets itself.
func (t *Template) Names() []string { return slices.Sorted(maps.Keys(t.names)) }

// Plain reports whether the source has no Jinja at all: it renders as itself.
func (t *Template) Plain() bool { return t.plain }

func (p *parser) noteName(name string) {
	p.tmpl.names[name] = struct{}{}
	for _, m := range p.macros {
		switch name {
		case "varargs":
			m.varargs = true
		case "kwargs":
			m.kw = true
		case "caller":
			m.caller = true
		}
	}
}

func dottedName(e expr) string {
	switch e := e.(type) {
	case *nameExpr:
		return e.name
	case *attrExpr:
		if obj := dottedName(e.obj); obj != "" {
			return obj + "." + e.name
		}
	}
	return ""
}

func nameOffset(e expr) int {
	for {
		a, ok := e.(*attrExpr)
		if !ok {
			return e.pos()
		}
		e = a.obj
	}
}

func literalArgs(a *callArgs) ([]any, []Kwarg, bool) {
	if a.star != nil || a.starstar != nil {
		return nil, nil, false
	}
	args := make([]any, len(a.args))
	kwargs := make([]Kwarg, len(a.kwargs))
	for i, e := range a.args {
		v, ok := literal(e)
		if !ok {
			return nil, nil, false
		}
		args[i] = v
	}
	for i, e := range a.kwargs {
		v, ok := literal(e)
		if !ok {
			return nil, nil, false
		}
		kwargs[i] = Kwarg{a.names[i], v}
	}
	return args, kwargs, true
}

// literal returns the value of an expression that is made of constants only.
func literal(e expr) (any, bool) {
	switch e := e.(type) {
	case *constExpr:
		return e.val, true
	case *listExpr:
		items, ok := literals(e.items)
		return NewList(items...), ok
	case *tupleExpr:
		items, ok := literals(e.items)
		return Tuple(items), ok
	case *dictExpr:
		d := NewDict()
		keys, ok := literals(e.keys)
		vals, ok2 := literals(e.vals)
		if !ok || !ok2 {
			return nil, false
		}
		for i := range keys {
			if d.Set(keys[i], vals[i]) != nil {
				return nil, false
			}
		}
		return d, true
	case *unaryExpr:
		v, ok := literal(e.in)
		if !ok || !isNumber(v) {
			return nil, false
		}
		v, err := negate(v, e.plus)
		return v, err == nil
	case *concatExpr:
		items, ok := literals(e.items)
		s := ""
		for _, it := range items {
			s += Str(it)
		}
		return s, ok
	}
	return nil, false
}

func literals(es []expr) ([]any, bool) {
	out := make([]any, len(es))
	for i, e := range es {
		v, ok := literal(e)
		if !ok {
			return nil, false
		}
		out[i] = v
	}
	return out, true
}
