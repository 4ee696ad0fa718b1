package jinja

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sort"
	"strings"

	"github.com/tidemill/tidemill"
)

// Options set how templates are read and rendered. The zero value is what dbt
// uses.
type Options struct {
	TrimBlocks          bool // take the line break after a block tag
	LstripBlocks        bool // take the white space before a block tag that begins a line
	KeepTrailingNewline bool // keep the line break that ends the template
	StrictUndefined     bool // any use of what is undefined fails

	Globals map[string]any  // names that every template sees, behind those of its Scope
	Filters map[string]Func // added to the builtin filters; the first argument is the value
	Tests   map[string]Func // added to the builtin tests; likewise
	Limits  Limits
}

// Env parses templates. It is safe for concurrent use.
type Env struct {
	opt            Options
	globals        map[string]any
	filters, tests map[string]Func
}

// NewEnv returns an environment with the builtin filters, tests and globals,
// and those of opt, which win. The maps of opt must not change afterwards.
func NewEnv(opt Options) *Env {
	e := &Env{opt: opt, globals: builtinGlobals(), filters: builtinFilters(), tests: builtinTests()}
	maps.Copy(e.globals, opt.Globals)
	maps.Copy(e.filters, opt.Filters)
	maps.Copy(e.tests, opt.Tests)
	return e
}

// Scope is what a template sees besides its own variables. Vars come first,
// then Resolve is asked, each time a name is used, so lookups are lazy. Both
// may be nil, and the same Scope may serve several renders if Resolve is safe
// for that. Values in Vars that templates change must not be shared.
type Scope struct {
	Vars    map[string]any
	Resolve func(name string) (any, bool)
}

// Template is a parsed template. It does not change, and may be rendered from
// several goroutines at once.
type Template struct {
	env    *Env
	src    string
	origin tidemill.Pos // of the first byte of src
	lines  []int        // the offsets at which lines begin
	body   []stmt
	macros []*macroDef
	blocks []*Block
	calls  []*callExpr
	names  map[string]struct{}
	plain  bool
	module bool // the top level sets variables that macros may use
}

// Parse parses src, which is all of the file name.
func (e *Env) Parse(name, src string) (*Template, error) {
	return e.ParseAt(tidemill.Pos{File: name, Line: 1, Column: 1}, src)
}

// ParseAt parses src, which begins at origin: errors name lines and columns
// from there. The lines of a YAML block that lost their indent keep it in
// origin.Column only for the first line.
func (e *Env) ParseAt(origin tidemill.Pos, src string) (*Template, error) {
	origin.Line, origin.Column = max(origin.Line, 1), max(origin.Column, 1)
	src = normalize(src, e.opt.KeepTrailingNewline)
	t := &Template{env: e, src: src, origin: origin, lines: lineStarts(src), names: map[string]struct{}{}}
	if indexTag(src) < 0 {
		t.plain = true
		if src != "" {
			t.body = []stmt{&textStmt{src}}
		}
		return t, nil
	}
	toks, err := lex(src, &e.opt)
	if err == nil {
		p := &parser{env: e, src: src, toks: toks, tmpl: t}
		t.body, err = p.body()
	}
	if err != nil {
		return nil, t.syntax(err)
	}
	for _, s := range t.body {
		switch s.(type) {
		case *textStmt, *macroStmt, *outStmt, *callBlock:
		default:
			t.module = true
		}
	}
	return t, nil
}

func (t *Template) syntax(err error) error {
	var s *syntaxError
	if !errors.As(err, &s) {
		return &tidemill.Error{Code: tidemill.Invalid, Pos: t.origin, Err: err}
	}
	return &tidemill.Error{Code: tidemill.Invalid, Pos: t.posAt(s.off), Err: err}
}

// posAt returns the place of a byte offset. Columns count code points.
func (t *Template) posAt(off int) tidemill.Pos {
	off = min(max(off, 0), len(t.src))
	line, found := slices.BinarySearch(t.lines, off)
	if !found {
		line--
	}
	pos := tidemill.Pos{File: t.origin.File, Line: t.origin.Line + line, Column: 1 + runes(t.src[t.lines[line]:off])}
	if line == 0 {
		pos.Column += t.origin.Column - 1
	}
	return pos
}

func lineStarts(src string) []int {
	lines := []int{0}
	for i := range len(src) {
		if src[i] == '\n' {
			lines = append(lines, i+1)
		}
	}
	return lines
}

// Render renders t with scope, which may be nil. Errors are *tidemill.Error
// with the place in the file and the macros around it; the error of a context
// that ended is in their chain.
func (t *Template) Render(ctx context.Context, scope *Scope) (string, error) {
	if t.plain {
		return t.src, nil
	}
	f := t.frame(ctx, scope)
	if err := f.exec(t.body); err != nil {
		return "", finish(f, err)
	}
	return f.out.String(), nil
}

// Eval renders t, but where t is one {{ expression }} with nothing around it
// but white space, it returns the expression's value instead of its text.
func (t *Template) Eval(ctx context.Context, scope *Scope) (any, error) {
	var only *outStmt
	for _, s := range t.body {
		switch s := s.(type) {
		case *outStmt:
			if only == nil {
				only = s
				continue
			}
		case *textStmt:
			if strings.TrimFunc(s.text, isSpace) == "" {
				continue
			}
		}
		return t.Render(ctx, scope)
	}
	if only == nil {
		return t.Render(ctx, scope)
	}
	f := t.frame(ctx, scope)
	v, err := only.in.eval(f)
	if err != nil {
		return nil, finish(f, err)
	}
	return v, nil
}

func (t *Template) frame(ctx context.Context, scope *Scope) *frame {
	r := &run{budget: newBudget(ctx, t.env.opt.Limits)}
	return &frame{run: r, tmpl: t, scope: scope, vars: &vars{}, out: &output{run: r}}
}

// Blocks returns the docs and snapshot blocks of t in order.
func (t *Template) Blocks() []*Block { return t.blocks }

// BlockPos returns the place of b, a block of t.
func (t *Template) BlockPos(b *Block) tidemill.Pos { return t.posAt(b.off) }

// nearest returns a hint that names the key of m that looks most like name.
func nearest(name string, m map[string]Func) string {
	best, bestAt := "", 3
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	for _, k := range keys {
		if d := distance(name, k); d < bestAt {
			best, bestAt = k, d
		}
	}
	if best == "" {
		return ""
	}
	return "; did you mean '" + best + "'?"
}

// distance is the edit distance of two short names.
func distance(a, b string) int {
	if len(a) > 64 || len(b) > 64 {
		return 64
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diag := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diag, row[j+1] = row[j+1], min(diag+cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
