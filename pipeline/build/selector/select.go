package selector

import (
	"fmt"
	"strings"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/pipeline/build/manifest"
	"github.com/tidemill/tidemill/project/conf"
)

// Select returns the ids of the nodes that include holds for and exclude does
// not; an empty include is all. A test is selected with any node that it
// tests. An include that finds nothing is an error with the nearest name.
func Select(m *manifest.Manifest, include, exclude Expr) (map[string]bool, error) {
	selected := map[string]bool{}
	if len(include) == 0 {
		for id := range m.Nodes {
			selected[id] = true
		}
	}
	for _, all := range include {
		ids := all.eval(m)
		if len(ids) == 0 {
			return nil, nothing(m, all)
		}
		for id := range ids {
			selected[id] = true
		}
	}
	for _, all := range exclude {
		for id := range all.eval(m) {
			delete(selected, id)
		}
	}
	return selected, nil
}

func (all Intersection) eval(m *manifest.Manifest) map[string]bool {
	var ids map[string]bool
	for i, t := range all {
		found := t.eval(m)
		if i == 0 {
			ids = found
			continue
		}
		for id := range ids {
			if !found[id] {
				delete(ids, id)
			}
		}
	}
	return ids
}

func (t Term) eval(m *manifest.Manifest) map[string]bool {
	ids := map[string]bool{}
	add := func(more map[string]bool) {
		for id := range more {
			ids[id] = true
		}
	}
	for id, n := range m.Nodes {
		if !t.matches(n) {
			continue
		}
		ids[id] = true
		add(m.Ancestors(id, t.Parents))
		add(m.Descendants(id, t.Children))
		if t.Around {
			down := m.Descendants(id, -1)
			add(down)
			for d := range down {
				add(m.Ancestors(d, -1))
			}
			add(m.Ancestors(id, -1))
		}
	}
	// Tests come with what they test, but not through the tests of others.
	for id := range ids {
		if m.Nodes[id] == nil || m.Nodes[id].Kind == manifest.Test {
			continue
		}
		for _, child := range m.Children[id] {
			if m.Nodes[child].Kind == manifest.Test {
				ids[child] = true
			}
		}
	}
	return ids
}

func nothing(m *manifest.Manifest, all Intersection) error {
	terms := make([]string, len(all))
	for i, t := range all {
		terms[i] = t.String()
	}
	e := &tidemill.Error{
		Code: tidemill.NotFound, Op: "select", Err: fmt.Errorf("%q selects nothing", strings.Join(terms, ",")),
		Hint: "tidemill ls shows all names",
	}
	if near := conf.Nearest(all[0].Value, candidates(m, all[0].Method)); len(all) == 1 && near != "" {
		e.Hint = fmt.Sprintf("did you mean %q?", near)
	}
	return e
}

// candidates are the values that a method could have had.
func candidates(m *manifest.Manifest, method string) []string {
	var names []string
	for _, id := range m.IDs() {
		n := m.Nodes[id]
		switch method {
		case "tag":
			names = append(names, n.Config.Tags...)
		case "path":
			names = append(names, n.File)
		case "source":
			if n.Source != nil {
				names = append(names, n.Source.Name, n.Source.Name+"."+n.Source.Table)
			}
		default:
			names = append(names, n.Name)
		}
	}
	return names
}
