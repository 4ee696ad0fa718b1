package selector

import (
	"path"
	"slices"
	"strings"

	"github.com/tidemill/tidemill/pipeline/build/manifest"
	"github.com/tidemill/tidemill/pipeline/build/yml"
)

// matches reports whether the term's method holds for n, walks apart.
func (t Term) matches(n *manifest.Node) bool {
	switch t.Method {
	case "name":
		return matchName(n, t.Value)
	case "path":
		return matchPath(n.File, t.Value) || n.Patch != "" && n.Patch == t.Value
	case "file":
		base := path.Base(n.File)
		return glob(t.Value, base) || glob(t.Value, strings.TrimSuffix(base, path.Ext(base)))
	case "tag":
		return slices.ContainsFunc(n.Config.Tags, func(tag string) bool { return glob(t.Value, tag) })
	case "source":
		return n.Source != nil && matchSource(n, t.Value)
	case "config":
		return matchConfig(n, t.Key, t.Value)
	case "resource_type":
		return t.Value == string(n.Kind)
	case "package":
		return t.Value == "this" || glob(t.Value, n.Package)
	case "test_name":
		return n.Test != nil && glob(t.Value, n.Test.Generic)
	case "test_type":
		return n.Test != nil && (t.Value == "data" || t.Value == "generic" && n.Test.Generic != "" || t.Value == "singular" && n.Test.Generic == "")
	}
	return false
}

// matchName compares with the name, and with the beginning of the dotted
// path: staging selects all of models/staging, cards.staging too.
func matchName(n *manifest.Node, value string) bool {
	if n.Kind == manifest.Source {
		return false // they have a method of their own
	}
	if glob(value, n.Name) {
		return true
	}
	want := strings.Split(value, ".")
	return matchPrefix(n.FQN, want) || len(n.FQN) > 1 && matchPrefix(n.FQN[1:], want)
}

func matchPrefix(fqn, want []string) bool {
	if len(want) > len(fqn) {
		return false
	}
	for i, w := range want {
		if !glob(w, fqn[i]) {
			return false
		}
	}
	return true
}

// matchPath holds for a file, and for all files below a folder.
func matchPath(file, value string) bool {
	value = strings.TrimSuffix(path.Clean(value), "/")
	if value == "." || glob(value, file) {
		return true
	}
	for dir := path.Dir(file); dir != "."; dir = path.Dir(dir) {
		if glob(value, dir) {
			return true
		}
	}
	return false
}

// matchSource reads SOURCE, SOURCE.TABLE or PACKAGE.SOURCE.TABLE.
func matchSource(n *manifest.Node, value string) bool {
	parts := strings.Split(value, ".")
	switch len(parts) {
	case 1:
		return glob(parts[0], n.Source.Name)
	case 2:
		return glob(parts[0], n.Source.Name) && glob(parts[1], n.Source.Table)
	case 3:
		return glob(parts[0], n.Package) && glob(parts[1], n.Source.Name) && glob(parts[2], n.Source.Table)
	}
	return false
}

func matchConfig(n *manifest.Node, key, value string) bool {
	switch key {
	case "materialized":
		return glob(value, n.Materialized())
	case "enabled":
		return glob(value, "true") // what is not is no node
	}
	keys := strings.Split(key, ".")
	v := n.Config.Get(keys[0])
	for _, k := range keys[1:] {
		v = v.Get(k)
	}
	return holds(v, value)
}

func holds(v *yml.Node, value string) bool {
	if v.IsNull() {
		return false
	}
	if v.Kind == yml.Map {
		return slices.ContainsFunc(v.Fields, func(f yml.Field) bool { return glob(value, f.Name) })
	}
	texts, err := v.Strings()
	return err == nil && slices.ContainsFunc(texts, func(s string) bool { return glob(value, s) })
}

// glob matches *, ? and [set] anywhere; slashes are nothing special.
func glob(pattern, s string) bool {
	if !strings.ContainsAny(pattern, "*?[") {
		return pattern == s
	}
	// path.Match treats / apart: replaced by a rune that no name holds.
	ok, err := path.Match(strings.ReplaceAll(pattern, "/", "\x00"), strings.ReplaceAll(s, "/", "\x00"))
	return err == nil && ok
}
