package folder

import (
	"strings"

	"github.com/tidemill/tidemill/pipeline/build/manifest"
	"github.com/tidemill/tidemill/pipeline/build/yml"
)

// Layers returns the configuration that a tree of the project file has for a
// node: from the root, then along fqn (package, folders, name), each step
// more specific. Keys with + are config; keys without are the next step, or
// config where their value is not a map.
func Layers(tree *yml.Node, kind manifest.Kind, fqn []string) [][]yml.Field {
	if tree.IsNull() {
		return nil
	}
	layers := [][]yml.Field{here(tree, kind)}
	at := tree
	for _, step := range fqn {
		if at = at.Get(step); at == nil || at.Kind != yml.Map {
			break
		}
		layers = append(layers, here(at, kind))
	}
	return layers
}

func here(n *yml.Node, kind manifest.Kind) []yml.Field {
	var fields []yml.Field
	for _, f := range n.Fields {
		if isConfig(f, kind) {
			f.Name = strings.TrimPrefix(f.Name, "+")
			fields = append(fields, f)
		}
	}
	return fields
}

func isConfig(f yml.Field, kind manifest.Kind) bool {
	if strings.HasPrefix(f.Name, "+") || !f.Value.IsNull() && f.Value.Kind != yml.Map {
		return true
	}
	return kind == manifest.Seed && f.Name == "column_types" || f.Name == "meta"
}

// CheckTree returns an error for the first config key anywhere in a tree that
// nodes of kind do not have, so that it shows also where no node is.
func CheckTree(tree *yml.Node, kind manifest.Kind) error {
	if tree.IsNull() {
		return nil
	}
	for _, f := range here(tree, kind) {
		c := manifest.NewConfig(kind)
		if strings.Contains(scalarText(f.Value), "{{") {
			continue // its value shows when it is rendered
		}
		if err := c.Apply(kind, []yml.Field{f}); err != nil {
			return err
		}
	}
	for _, f := range tree.Fields {
		if !isConfig(f, kind) {
			if err := CheckTree(f.Value, kind); err != nil {
				return err
			}
		}
	}
	return nil
}

func scalarText(n *yml.Node) string {
	s, _ := n.Value.(string)
	return s
}
