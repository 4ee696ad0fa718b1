package jinja

import (
	"context"

	"github.com/tidemill/tidemill"
)

// macro is a macro, or the caller of a call block, as a value: its code and
// the frame that it was defined in.
type macro struct {
	def   *macroDef
	frame *frame
}

func (m *macro) typeName() string { return "Macro" }

func (m *macro) repr(w *textWriter, _ int) {
	name := "anonymous"
	if m.def.name != "" {
		name = quote(m.def.name)
	}
	w.put("<Macro " + name + ">")
}

// GetAttr returns what Jinja tells about a macro.
func (m *macro) GetAttr(name string) (any, bool) {
	switch name {
	case "name":
		if m.def.name == "" {
			return nil, true
		}
		return m.def.name, true
	case "arguments":
		t := make(Tuple, len(m.def.params))
		for i, p := range m.def.params {
			t[i] = p
		}
		return t, true
	case "catch_kwargs":
		return m.def.kw, true
	case "catch_varargs":
		return m.def.varargs, true
	case "caller":
		return m.def.caller, true
	}
	return nil, false
}

// Call runs the macro. A named macro ends at return(); the body of a call
// block lets it pass to the macro around it, as in dbt.
func (m *macro) Call(c *Call) (any, error) {
	r := c.frame.run
	g := &frame{run: r, tmpl: m.frame.tmpl, scope: m.frame.scope, vars: &vars{outer: m.frame.vars}, out: &output{run: r}}
	if m.def.name != "" {
		r.stack = append(r.stack, macroCall{m.def, g.tmpl, c.frame.tmpl, c.off})
		defer func() { r.stack = r.stack[:len(r.stack)-1] }()
	}
	if err := m.bind(g, c); err != nil {
		return nil, g.at(m.def.pos(), err)
	}
	err := g.exec(m.def.body)
	if ret, ok := err.(*returned); ok && m.def.name != "" {
		return ret.val, nil
	}
	if err != nil {
		return nil, err
	}
	return g.out.String(), r.alloc(g.out.Len())
}

// bind sets the parameters of the macro in g.
func (m *macro) bind(g *frame, c *Call) error {
	def := m.def
	name := def.name
	g.vars.list = make([]variable, 0, len(def.params)+3)
	if len(c.Args) > len(def.params) && !def.varargs {
		return errType("macro '%s' takes not more than %d argument(s)", name, len(def.params))
	}
	used := 0
	for i, p := range def.params {
		if i < len(c.Args) {
			g.vars.set(p, c.Args[i])
			continue
		}
		if v, ok := c.Kwarg(p); ok {
			used++
			g.vars.set(p, v)
			continue
		}
		if d := i - (len(def.params) - len(def.defaults)); d >= 0 {
			v, err := def.defaults[d].eval(g)
			if err != nil {
				return err
			}
			g.vars.set(p, v)
			continue
		}
		g.vars.set(p, g.undefined("parameter '%s' was not provided", p))
	}
	return m.bindRest(g, c, used)
}

// bindRest sets caller, kwargs and varargs, of which used were parameters.
func (m *macro) bindRest(g *frame, c *Call, used int) error {
	def := m.def
	rest := c.Kwargs
	if used > 0 || def.caller {
		rest = nil
		for _, k := range c.Kwargs {
			switch i := indexOf(def.params, k.Name); {
			case i >= len(c.Args):
			case k.Name == "caller" && def.caller && i < 0:
				g.vars.set("caller", k.Value)
			default:
				rest = append(rest, k)
			}
		}
	}
	if def.caller && g.vars.find("caller") < 0 {
		g.vars.set("caller", g.undefined("No caller defined"))
	}
	if def.kw {
		d := NewDict()
		for _, k := range rest {
			if err := d.Set(k.Name, k.Value); err != nil {
				return err
			}
		}
		g.vars.set("kwargs", d)
	} else if len(rest) > 0 {
		return errType("macro '%s' takes no keyword argument '%s'", def.name, rest[0].Name)
	}
	if def.varargs {
		g.vars.set("varargs", Tuple(c.Args[min(len(c.Args), len(def.params)):]))
	}
	return nil
}

func indexOf(names []string, name string) int {
	for i, n := range names {
		if n == name {
			return i
		}
	}
	return -1
}

// Macro is a macro that a file defines at its top level, found without
// rendering the file. It is safe for concurrent use.
type Macro struct {
	Name      string
	Pos       tidemill.Pos
	Params    []string
	Languages []string // supported_languages of a materialization
	tmpl      *Template
	def       *macroDef
}

// Macros returns the macros that t defines at its top level, in order, with
// those of the tags test and materialization under the names that dbt gives
// them: test_NAME, materialization_NAME_ADAPTER. Where a name is defined
// twice, the last one counts in Jinja.
func (t *Template) Macros() []*Macro {
	out := make([]*Macro, len(t.macros))
	for i, def := range t.macros {
		out[i] = &Macro{def.name, t.posAt(def.pos()), def.params, def.languages, t, def}
	}
	return out
}

// Bind returns m as a value that sees scope. Names that scope does not know
// are looked for among the macros of m's own file, then among the globals;
// what the file sets at its top level comes before all of these.
func (m *Macro) Bind(scope *Scope) Callable { return &boundMacro{m, scope} }

// Call calls m on its own, as Render renders a template.
func (m *Macro) Call(ctx context.Context, scope *Scope, args []any, kwargs ...Kwarg) (any, error) {
	f := m.tmpl.frame(ctx, scope)
	v, err := f.call(m.def.pos(), m.Bind(scope), args, kwargs)
	if err != nil {
		return nil, finish(f, err)
	}
	return v, nil
}

type boundMacro struct {
	*Macro
	scope *Scope
}

func (m *boundMacro) typeName() string { return "Macro" }

func (m *boundMacro) repr(w *textWriter, depth int) { (&macro{def: m.def}).repr(w, depth) }

// GetAttr returns what Jinja tells about a macro.
func (m *boundMacro) GetAttr(name string) (any, bool) {
	return (&macro{def: m.def}).GetAttr(name)
}

// Equal holds for the same macro with the same scope.
func (m *boundMacro) Equal(other any) bool {
	o, ok := other.(*boundMacro)
	return ok && o.def == m.def && o.scope == m.scope
}

func (m *boundMacro) Call(c *Call) (any, error) {
	r := c.frame.run
	f := &frame{run: r, tmpl: m.tmpl, vars: &vars{}, out: &output{run: r}}
	f.scope = &Scope{Resolve: func(name string) (any, bool) { return m.resolve(f, name) }}
	if m.tmpl.module {
		if err := f.execModule(m.tmpl.body); err != nil {
			return nil, err
		}
	}
	return (&macro{m.def, f}).Call(c)
}

// execModule runs what sets variables at the top level of a file of macros.
func (f *frame) execModule(body []stmt) error {
	for _, s := range body {
		switch s.(type) {
		case *textStmt, *outStmt, *macroStmt, *callBlock:
			continue
		}
		if err := s.exec(f); err != nil {
			return err
		}
	}
	return nil
}

// resolve looks a name up in the scope, then among the macros of the file.
func (m *boundMacro) resolve(f *frame, name string) (any, bool) {
	if m.scope != nil {
		if v, ok := m.scope.Vars[name]; ok {
			return v, true
		}
		if m.scope.Resolve != nil {
			if v, ok := m.scope.Resolve(name); ok {
				return v, true
			}
		}
	}
	for i := len(m.tmpl.macros) - 1; i >= 0; i-- {
		if def := m.tmpl.macros[i]; def.name == name {
			return &macro{def, f}, true
		}
	}
	return nil, false
}
