package selector

import (
	"fmt"
	"strings"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/pipeline/build/manifest"
	"github.com/tidemill/tidemill/project/conf"
)

// Way is how a node came to be selected.
type Way int

// The ways, the weakest first. Only tests come along: those that no term asks
// for, but for what they read.
const (
	Not Way = iota
	Along
	Asked
)

// Selection holds the ids of the nodes that are selected, with the strongest
// way to each.
type Selection map[string]Way

func (s Selection) add(id string, w Way) { s[id] = max(s[id], w) }

// Select returns the nodes that include holds for and exclude does not; an
// empty include asks for all. A test is selected with any node that it tests.
// An include that finds nothing is an error with the nearest name.
func Select(m *manifest.Manifest, include, exclude Expr) (Selection, error) {
	selected := Selection{}
	if len(include) == 0 {
		for id := range m.Nodes {
			selected.add(id, Asked)
		}
	}
	for _, all := range include {
		ids := all.eval(m)
		if len(ids) == 0 {
			return nil, nothing(m, all)
		}
		for id, way := range ids {
			selected.add(id, way)
		}
	}
	for _, all := range exclude {
		for id := range all.eval(m) {
			delete(selected, id)
		}
	}
	return selected, nil
}

func (all Intersection) eval(m *manifest.Manifest) Selection {
	var ids Selection
	for i, t := range all {
		found := t.eval(m)
		if i == 0 {
			ids = found
			continue
		}
		for id := range ids {
			if found[id] == Not {
				delete(ids, id)
			} else {
				ids.add(id, found[id])
			}
		}
	}
	return ids
}

func (t Term) eval(m *manifest.Manifest) Selection {
	ids := Selection{}
	add := func(more map[string]bool) {
		for id := range more {
			if m.Nodes[id] != nil && m.Nodes[id].Kind == manifest.Test {
				ids.add(id, Along)
			} else {
				ids.add(id, Asked)
			}
		}
	}
	for id, n := range m.Nodes {
		if !t.matches(n) {
			continue
		}
		ids.add(id, t.way(m, n))
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
				ids.add(child, Along)
			}
		}
	}
	return ids
}

// way is how the term selects n, which it matches. A folder or a tag that
// holds a node with the tests declared on it asks for the node.
func (t Term) way(m *manifest.Manifest, n *manifest.Node) Way {
	if n.Test != nil && n.Test.Attached != "" {
		if on := m.Nodes[n.Test.Attached]; on != nil && t.matches(on) {
			return Along
		}
	}
	return Asked
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
