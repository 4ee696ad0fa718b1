package build

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/pipeline/build/manifest"
	"github.com/tidemill/tidemill/pipeline/build/render"
)

func errDuplicate(n, old *manifest.Node, where string) error {
	if n.Kind == manifest.Source {
		return fmt.Errorf("source %s is declared twice, also at %s", n.Name, where)
	}
	return fmt.Errorf("%s %q has the name of a %s in %s", n.Kind, n.Name, old.Kind, where)
}

// matchPatches finds descriptions of what is not there.
func (l *loader) matchPatches(context.Context) {
	for _, p := range l.props.patches {
		id, ok := l.out.byName[p.it.Name]
		kind := manifest.Model
		if l.props.seeds[p.it.Name] == p.it {
			kind = manifest.Seed
		}
		if !ok || !strings.HasPrefix(id, string(kind)+".") {
			l.problem.add(missing(p.it.Pos, string(kind), p.it.Name, l.names(kind)))
		}
	}
	for name, p := range l.props.tests {
		if l.node("test."+l.folder.Name+"."+name) == nil {
			l.problem.add(missing(p.Pos, "test", name, l.names(manifest.Test)))
		}
	}
}

// names returns the names of all nodes of the kinds, sorted.
func (l *loader) names(kinds ...manifest.Kind) []string {
	var names []string
	for _, nodes := range []map[string]*manifest.Node{l.out.Nodes, l.out.Off} {
		for _, n := range nodes {
			if slices.Contains(kinds, n.Kind) {
				names = append(names, n.Name)
			}
		}
	}
	slices.Sort(names)
	return names
}

// placeNodes asks the macros generate_*_name where models and seeds go.
func (l *loader) placeNodes(ctx context.Context) {
	taken := map[string]*manifest.Node{}
	for _, id := range l.out.IDs() {
		n := l.out.Nodes[id]
		if n.Kind != manifest.Model && n.Kind != manifest.Seed {
			continue
		}
		if err := l.place(ctx, n); err != nil {
			l.problem.add(at(n.Pos, err))
			continue
		}
		if n.Ephemeral() {
			continue
		}
		key := strings.ToLower(n.Relation.String())
		if old := taken[key]; old != nil {
			l.problem.add(&tidemill.Error{
				Code: tidemill.Invalid, Pos: n.Pos, Err: fmt.Errorf("%s and %s are both built as %s", old.Name, n.Name, n.Relation),
				Hint: "give one of them another alias or schema",
			})
		}
		taken[key] = n
	}
}

func (l *loader) place(ctx context.Context, n *manifest.Node) error {
	c := &render.Context{Invocation: l.inv, Node: n}
	node := render.NodeValue(n)
	var r manifest.Relation
	for _, part := range []struct {
		macro, custom string
		to            *string
	}{
		{"generate_database_name", n.Config.Database, &r.Database},
		{"generate_schema_name", n.Config.Schema, &r.Schema},
		{"generate_alias_name", n.Config.Alias, &r.Identifier},
	} {
		var custom any
		if part.custom != "" {
			custom = part.custom
		}
		text, err := c.CallText(ctx, part.macro, custom, node)
		if err != nil {
			return err
		}
		*part.to = strings.TrimSpace(text)
	}
	if r.Schema == "" || r.Identifier == "" {
		return &tidemill.Error{Code: tidemill.Invalid, Err: fmt.Errorf("generate_schema_name or generate_alias_name gave no name for %s", n.Name)}
	}
	n.Relation = r
	return nil
}

// resolveRefs turns the calls of ref and source into DependsOn.
func (l *loader) resolveRefs(context.Context) {
	for _, id := range l.out.IDs() {
		n := l.out.Nodes[id]
		if n.Kind == manifest.Test && l.testsDisabled(n) {
			delete(l.out.Nodes, id)
			l.out.Off[id] = n
			continue
		}
		for _, r := range n.Refs {
			l.depend(n, r, func() (string, error) { return l.out.findRef(n, r) })
		}
		for _, r := range n.SourceRefs {
			l.depend(n, r, func() (string, error) { return l.out.findSource(n, r) })
		}
	}
}

// testsDisabled reports whether a test reads a node that is disabled: then it
// is too.
func (l *loader) testsDisabled(n *manifest.Node) bool {
	off := func(id string, ok bool) bool { return ok && l.out.Nodes[id] == nil }
	return slices.ContainsFunc(n.Refs, func(r manifest.Ref) bool {
		id, ok := l.out.byName[r.Name]
		return off(id, ok)
	}) || slices.ContainsFunc(n.SourceRefs, func(r manifest.Ref) bool {
		id, ok := l.out.bySource[[2]string{r.Package, r.Name}]
		return off(id, ok)
	})
}

func (l *loader) depend(n *manifest.Node, r manifest.Ref, find func() (string, error)) {
	id, err := find()
	if err != nil && r.Maybe {
		return
	}
	if err != nil {
		l.problem.add(err)
		return
	}
	if !slices.Contains(n.DependsOn, id) {
		n.DependsOn = append(n.DependsOn, id)
	}
}

// findRef returns the id of the enabled node that r means.
func (p *Project) findRef(from *manifest.Node, r manifest.Ref) (string, error) {
	id, ok := p.byName[r.Name]
	switch {
	case r.Package != "" && r.Package != p.Project:
		return "", missing(r.Pos, "package", r.Package, []string{p.Project})
	case !ok:
		var names []string
		for name := range p.byName {
			names = append(names, name)
		}
		slices.Sort(names)
		return "", missing(r.Pos, "model or seed", r.Name, names)
	case p.Nodes[id] == nil:
		return "", &tidemill.Error{
			Code: tidemill.Invalid, Pos: r.Pos, Err: fmt.Errorf("%s reads %s, which is disabled", from.Name, r.Name),
			Hint: "set enabled: true for " + r.Name + ", or disable " + from.Name + " too",
		}
	}
	return id, nil
}

// findSource returns the id of the enabled source that r means.
func (p *Project) findSource(from *manifest.Node, r manifest.Ref) (string, error) {
	id, ok := p.bySource[[2]string{r.Package, r.Name}]
	if !ok {
		var names []string
		for key := range p.bySource {
			names = append(names, key[0]+"."+key[1])
		}
		slices.Sort(names)
		return "", missing(r.Pos, "source", r.Package+"."+r.Name, names)
	}
	if p.Nodes[id] == nil {
		return "", &tidemill.Error{
			Code: tidemill.Invalid, Pos: r.Pos, Err: fmt.Errorf("%s reads source %s.%s, which is disabled", from.Name, r.Package, r.Name),
			Hint: "set enabled: true for the source, or disable " + from.Name + " too",
		}
	}
	return id, nil
}
