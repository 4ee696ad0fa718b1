package build

import (
	"context"
	"fmt"
	"strings"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/pipeline/build/folder"
	"github.com/tidemill/tidemill/pipeline/build/manifest"
	"github.com/tidemill/tidemill/pipeline/build/render"
	"github.com/tidemill/tidemill/pipeline/build/yml"
	"github.com/tidemill/tidemill/project/conf"
)

// properties are those of all files, by what they describe.
type properties struct {
	models, seeds, tests map[string]*folder.Patch
	sources              []placed[folder.Source]
	patches              []placed[*folder.Patch] // models and seeds, in order
}

// placed is a thing with the file that it was read from.
type placed[T any] struct {
	file folder.File
	it   T
}

func (l *loader) readProperties(ctx context.Context) {
	read := parallel(ctx, l, l.files.Properties, func(f folder.File) (*folder.Properties, error) {
		data, err := f.Read(l.Dir)
		if err != nil {
			return nil, err
		}
		p, err := folder.ReadProperties(f.Path, data)
		if err != nil {
			return nil, err
		}
		return p, l.renderProperties(ctx, p)
	})
	l.props = properties{models: map[string]*folder.Patch{}, seeds: map[string]*folder.Patch{}, tests: map[string]*folder.Patch{}}
	for i, p := range read {
		if p == nil {
			continue
		}
		file := l.files.Properties[i]
		for j := range p.Models {
			l.keep(l.props.models, &p.Models[j], "model", file)
		}
		for j := range p.Seeds {
			l.keep(l.props.seeds, &p.Seeds[j], "seed", file)
		}
		for j := range p.Tests {
			l.keep(l.props.tests, &p.Tests[j], "test", file)
		}
		for _, s := range p.Sources {
			l.props.sources = append(l.props.sources, placed[folder.Source]{file, s})
		}
		for _, m := range p.Macros {
			l.describeMacro(m)
		}
	}
}

func (l *loader) keep(to map[string]*folder.Patch, p *folder.Patch, what string, file folder.File) {
	if old := to[p.Name]; old != nil {
		l.problem.add(&tidemill.Error{
			Code: tidemill.Invalid, Pos: p.Pos, Err: fmt.Errorf("%s %q is described twice, also at %s", what, p.Name, old.Pos),
			Hint: "put both descriptions into one",
		})
		return
	}
	to[p.Name] = p
	if what != "test" {
		l.props.patches = append(l.props.patches, placed[*folder.Patch]{file, p})
	}
}

func (l *loader) describeMacro(m folder.MacroPatch) {
	macro := l.out.Macros["macro."+l.folder.Name+"."+m.Name]
	if macro == nil {
		var names []string
		for _, other := range l.out.Macros {
			names = append(names, other.Name)
		}
		l.problem.add(missing(m.Pos, "macro", m.Name, names))
		return
	}
	macro.Description = m.Description
	for _, a := range m.Arguments {
		macro.Arguments = append(macro.Arguments, manifest.Argument(a))
	}
}

// missing is the error for a name that means nothing.
func missing(pos tidemill.Pos, what, name string, names []string) error {
	e := &tidemill.Error{Code: tidemill.NotFound, Pos: pos, Err: fmt.Errorf("there is no %s %q", what, name)}
	if near := conf.Nearest(name, names); near != "" {
		e.Hint = fmt.Sprintf("did you mean %q?", near)
	}
	return e
}

// renderProject replaces Jinja in the config trees of the project file.
func (l *loader) renderProject(ctx context.Context) {
	for _, tree := range []*yml.Node{l.folder.Models, l.folder.Seeds, l.folder.Tests, l.folder.Sources} {
		l.problem.add(l.renderNode(ctx, tree))
	}
}

// renderProperties replaces Jinja in settings; arguments of tests keep theirs
// for the test itself.
func (l *loader) renderProperties(ctx context.Context, p *folder.Properties) error {
	for _, patches := range [][]folder.Patch{p.Models, p.Seeds, p.Tests} {
		for _, patch := range patches {
			if err := l.renderFields(ctx, patch.Config); err != nil {
				return err
			}
		}
	}
	for i := range p.Sources {
		s := &p.Sources[i]
		for _, text := range []*string{&s.Database, &s.Schema} {
			if err := l.renderText(ctx, s.Pos, text); err != nil {
				return err
			}
		}
		if err := l.renderFields(ctx, s.Config); err != nil {
			return err
		}
		for j := range s.Tables {
			if err := l.renderText(ctx, s.Tables[j].Pos, &s.Tables[j].Identifier); err != nil {
				return err
			}
		}
	}
	return nil
}

func (l *loader) renderFields(ctx context.Context, fields []yml.Field) error {
	for _, f := range fields {
		if err := l.renderNode(ctx, f.Value); err != nil {
			return err
		}
	}
	return nil
}

// renderNode renders the strings below n in place. A string that is one
// expression takes the type of its value.
func (l *loader) renderNode(ctx context.Context, n *yml.Node) error {
	if n == nil {
		return nil
	}
	for _, item := range n.Items {
		if err := l.renderNode(ctx, item); err != nil {
			return err
		}
	}
	if err := l.renderFields(ctx, n.Fields); err != nil {
		return err
	}
	s, ok := n.Value.(string)
	if !ok || n.Kind != yml.Scalar || !strings.Contains(s, "{{") && !strings.Contains(s, "{%") {
		return nil
	}
	t, err := l.lib.Parse(n.Pos, s)
	if err != nil {
		return err
	}
	v, err := t.Eval(ctx, l.bare().Scope())
	if err != nil {
		return err
	}
	out, err := render.FromValue(v, n.Pos)
	if err != nil {
		return n.Errorf("%w", err)
	}
	*n = *out
	return nil
}

func (l *loader) renderText(ctx context.Context, pos tidemill.Pos, text *string) error {
	n := &yml.Node{Pos: pos, Value: *text}
	if err := l.renderNode(ctx, n); err != nil {
		return err
	}
	if n.Value == nil {
		*text = ""
		return nil
	}
	s, err := n.Text()
	*text = s
	return err
}

// bare is a context outside of nodes: var, env_var and target.
func (l *loader) bare() *render.Context { return &render.Context{Invocation: l.inv} }
