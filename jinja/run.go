package jinja

import (
	"errors"
	"fmt"
	"strings"

	"github.com/tidemill/tidemill"
)

// run is one render. It belongs to one goroutine.
type run struct {
	*budget
	depth int
	stack []macroCall // the macros around the code in hand, outermost first
}

type macroCall struct {
	def    *macroDef
	tmpl   *Template // where the macro is
	caller *Template
	off    int // of the call in caller
}

// frame is where code runs: its variables and where its text goes.
type frame struct {
	run   *run
	tmpl  *Template
	scope *Scope
	vars  *vars
	out   *output
}

// vars are the variables of one scope. Most scopes have a few.
type vars struct {
	outer *vars
	list  []variable
	index map[string]int // built when list grows long
}

type variable struct {
	name string
	val  any
}

const longScope = 12

func (s *vars) find(name string) int {
	if s.index != nil {
		i, ok := s.index[name]
		if !ok {
			return -1
		}
		return i
	}
	for i := range s.list {
		if s.list[i].name == name {
			return i
		}
	}
	return -1
}

func (s *vars) set(name string, v any) {
	if i := s.find(name); i >= 0 {
		s.list[i].val = v
		return
	}
	s.list = append(s.list, variable{name, v})
	if s.index != nil {
		s.index[name] = len(s.list) - 1
	} else if len(s.list) > longScope {
		s.index = make(map[string]int, 2*len(s.list))
		for i, it := range s.list {
			s.index[it.name] = i
		}
	}
}

// inner returns a frame with a scope of its own inside f's.
func (f *frame) inner() *frame {
	g := *f
	g.vars = &vars{outer: f.vars}
	return &g
}

// capture returns an inner frame whose text is kept apart.
func (f *frame) capture() *frame {
	g := f.inner()
	g.out = &output{run: f.run}
	return g
}

func (f *frame) lookup(name string) (any, bool) {
	for s := f.vars; s != nil; s = s.outer {
		if i := s.find(name); i >= 0 {
			return s.list[i].val, true
		}
	}
	if f.scope != nil {
		if v, ok := f.scope.Vars[name]; ok {
			return v, true
		}
		if f.scope.Resolve != nil {
			if v, ok := f.scope.Resolve(name); ok {
				return v, true
			}
		}
	}
	v, ok := f.tmpl.env.globals[name]
	return v, ok
}

func (f *frame) undefined(format string, args ...any) *Undefined {
	return &Undefined{hint: fmt.Sprintf(format, args...), strict: f.tmpl.env.opt.StrictUndefined}
}

// output collects text within the limit of the render.
type output struct {
	strings.Builder
	run *run
}

func (o *output) write(s string) error {
	if o.Len()+len(s) > o.run.lim.Output {
		return fmt.Errorf("output is larger than %d bytes", o.run.lim.Output)
	}
	o.WriteString(s)
	return nil
}

var (
	errBreak    = errors.New("break outside of a loop")
	errContinue = errors.New("continue outside of a loop")
)

// returned carries the value of return() up to the macro that it ends.
type returned struct{ val any }

func (*returned) Error() string { return "return() is called outside of a macro" }

// located is an error with the place where it arose and the macros around it.
type located struct {
	tmpl  *Template
	off   int
	err   error
	stack []macroCall
}

func (e *located) Unwrap() error { return e.err }

func (e *located) Error() string {
	return e.tmpl.posAt(e.off).String() + ": " + e.err.Error() + e.trace()
}

const maxTrace = 6

// trace names the macros around the error, innermost first.
func (e *located) trace() string {
	var b strings.Builder
	shown := 0
	for i := len(e.stack) - 1; i >= 0; i-- {
		if shown == maxTrace {
			fmt.Fprintf(&b, ", and %d more calls", i+1)
			break
		}
		shown++
		c := e.stack[i]
		sep := ", "
		if b.Len() == 0 {
			sep = " "
		}
		fmt.Fprintf(&b, "%sin macro %s (%s) called from %s", sep, c.def.name, place(c.tmpl, c.def.pos()), place(c.caller, c.off))
	}
	return b.String()
}

func place(t *Template, off int) string {
	pos := t.posAt(off)
	pos.Column = 0
	return pos.String()
}

// at gives err the place off unless it has one; signals pass as they are.
func (f *frame) at(off int, err error) error {
	switch err.(type) {
	case *located, *returned:
		return err
	}
	if err == errBreak || err == errContinue {
		return err
	}
	return &located{f.tmpl, off, err, append([]macroCall(nil), f.run.stack...)}
}

// traced is the cause of a tidemill.Error: the text of err and its macros.
type traced struct {
	err   error
	trace string
}

func (e *traced) Error() string { return e.err.Error() + e.trace }
func (e *traced) Unwrap() error { return e.err }

// finish turns the error of a render into what the caller sees. An error that
// a function of the caller returned as *tidemill.Error keeps its code, hint
// and place.
func finish(f *frame, err error) error {
	l, ok := f.at(0, err).(*located)
	if !ok {
		l = &located{tmpl: f.tmpl, err: err}
	}
	pos := l.tmpl.posAt(l.off)
	if ctxErr := f.run.ctx.Err(); ctxErr != nil && errors.Is(l.err, ctxErr) {
		return &tidemill.Error{Pos: pos, Err: &traced{l.err, l.trace()}}
	}
	if e, ok := l.err.(*tidemill.Error); ok {
		c := *e
		if c.Pos.File == "" {
			c.Pos = pos
		}
		if c.Err != nil {
			c.Err = &traced{c.Err, l.trace()}
		}
		return &c
	}
	return &tidemill.Error{Code: tidemill.Invalid, Pos: pos, Err: &traced{l.err, l.trace()}}
}
