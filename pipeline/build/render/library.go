// Package render gives SQL with Jinja the names that dbt defines: ref, source,
// config, this, adapter and the rest, and the macros of the project.
//
// A Library holds the macros and is shared; a Context serves the renders of
// one node, one at a time. Rendered text depends on nothing but the project,
// the options and what the macros ask of the warehouse.
package render

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"path"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/jinja"
)

//go:embed macros/*.sql
var builtin embed.FS

// dbtPackage is the name space of the macros that come with the engine.
const dbtPackage = "dbt"

// Library holds the macros of a project and those that come with the engine.
// It does not change once all files are added.
type Library struct {
	Dialect tidemill.Dialect
	Project string

	env    *jinja.Env
	macros map[string]map[string]*Macro // by package, then by name
}

// Macro is a macro with the file that it stands in.
type Macro struct {
	*jinja.Macro
	Package string
}

// kinds are the filters by which YAML of dbt says what a text is to become. In
// SQL all is text, so there they change nothing.
var kinds = map[string]jinja.Func{"as_text": same, "as_native": same, "as_number": same, "as_bool": same}

func same(call *jinja.Call) (any, error) {
	args, err := call.Unpack("as_text", "value")
	if err != nil {
		return nil, err
	}
	return args[0], nil
}

// NewLibrary returns a library of the macros that come with the engine.
func NewLibrary(project string, dialect tidemill.Dialect) (*Library, error) {
	l := &Library{
		Dialect: dialect, Project: project, env: jinja.NewEnv(jinja.Options{Filters: kinds}),
		macros: map[string]map[string]*Macro{project: {}, dbtPackage: {}},
	}
	files, err := fs.Glob(builtin, "macros/*.sql")
	if err != nil {
		return nil, err
	}
	for _, name := range files {
		text, err := builtin.ReadFile(name)
		if err != nil {
			return nil, err
		}
		t, err := l.env.Parse(path.Join("tidemill", name), string(text))
		if err != nil {
			return nil, err
		}
		for _, m := range t.Macros() {
			l.macros[dbtPackage][m.Name] = &Macro{m, dbtPackage}
		}
	}
	return l, nil
}

// Parse parses the text of a model or test.
func (l *Library) Parse(pos tidemill.Pos, text string) (*jinja.Template, error) {
	return l.env.ParseAt(pos, text)
}

// Add takes the macros of a file of the project. A name that the project has
// already is an error that names both places.
func (l *Library) Add(t *jinja.Template) ([]*Macro, error) {
	var added []*Macro
	for _, m := range t.Macros() {
		if old, ok := l.macros[l.Project][m.Name]; ok {
			return nil, &tidemill.Error{
				Code: tidemill.Invalid, Pos: m.Pos, Err: fmt.Errorf("macro %s stands twice, also at %s", m.Name, old.Pos),
				Hint: "rename one of them",
			}
		}
		macro := &Macro{m, l.Project}
		l.macros[l.Project][m.Name] = macro
		added = append(added, macro)
	}
	return added, nil
}

// Find returns a macro by name, that of the project before that of the engine;
// pkg limits the search where it is not "".
func (l *Library) Find(pkg, name string) *Macro {
	if pkg != "" {
		return l.macros[pkg][name]
	}
	if m := l.macros[l.Project][name]; m != nil {
		return m
	}
	return l.macros[dbtPackage][name]
}

// HasPackage reports whether pkg is a name space of macros.
func (l *Library) HasPackage(pkg string) bool { return l.macros[pkg] != nil }

// Builtin reports whether the macro that name means comes with the engine.
func (l *Library) Builtin(name string) bool {
	m := l.Find("", name)
	return m != nil && m.Package == dbtPackage
}

// Names returns the names of all macros of the project and of the engine.
func (l *Library) Names() []string {
	var names []string
	for _, pkg := range l.macros {
		for name := range pkg {
			names = append(names, name)
		}
	}
	return names
}

// dispatch finds the macro that adapter.dispatch means: that of the dialect,
// else the default, first in the project.
func (l *Library) dispatch(name, namespace string) *Macro {
	packages := []string{l.Project, dbtPackage}
	if namespace != "" && namespace != dbtPackage && namespace != l.Project {
		packages = append([]string{namespace}, packages...)
	}
	for _, prefix := range []string{string(l.Dialect), "default"} {
		for _, pkg := range packages {
			if m := l.macros[pkg][prefix+"__"+name]; m != nil {
				return m
			}
		}
	}
	return nil
}

// namespace is a package of macros as templates see it: dbt.date_trunc.
type namespace struct {
	macros map[string]*Macro
	scope  *jinja.Scope
}

// GetAttr returns a macro.
func (n namespace) GetAttr(name string) (any, bool) {
	m, ok := n.macros[name]
	if !ok {
		return nil, false
	}
	return m.Bind(n.scope), true
}

// CallText calls a macro by name and returns its text.
func (c *Context) CallText(ctx context.Context, name string, args ...any) (string, error) {
	m := c.Library.Find("", name)
	if m == nil {
		return "", fmt.Errorf("macro %s is not there", name)
	}
	v, err := m.Call(ctx, c.Scope(), args)
	if err != nil {
		return "", err
	}
	return jinja.Str(v), nil
}
