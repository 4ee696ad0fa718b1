package project

import (
	"regexp"
	"strings"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/project/conf"
)

// layout is the top of tidemill.yml. Its parts are read one by one, because
// the structs of their keys depend on connections.
type layout struct {
	Name        string     `yaml:"name" doc:"Name of the project." required:"true"`
	Targets     *conf.Node `yaml:"targets" doc:"Places to run in, by name; the first is the default, --target takes another. A target may hold any key of this file but targets, laid over what stands outside: mappings key by key, all else whole; a key with no value takes the outer one away, and a connection of another type replaces the outer one."`
	Connections *conf.Node `yaml:"connections" doc:"Connections that all targets share, by name. The one named warehouse is landed in."`
	Pipelines   *conf.Node `yaml:"pipelines" doc:"Pipelines by name."`
}

// file reads tidemill.yml in the view of every target: the chosen one with
// its variables, the others without, so that a mistake in prod is found in
// dev, and a variable that only prod needs is not missed there.
func (l *loader) file(src []byte) {
	root, err := conf.Parse(l.project.File, src)
	if err != nil {
		addAll(l.errs, err)
		return
	}
	if root.Kind == conf.Null {
		l.errs.Add(root.Pos, "a project begins with a name; tidemill init writes a first one", "the file is empty")
		return
	}
	if root.Kind != conf.Map {
		l.errs.Add(root.Pos, "write key: value pairs, such as name: cards", "the file wants a mapping, got %s", root.Kind)
		return
	}
	base, targets := l.targets(root)
	if targets == nil {
		l.project.Target, l.project.Targets = defaultTarget, []string{defaultTarget}
		if !l.choose(root.Pos) {
			return
		}
		l.view(root, l.vars, false)
		return
	}
	for _, t := range targets {
		l.project.Targets = append(l.project.Targets, t.Key)
	}
	if !l.choose(targets[0].KeyPos) {
		return
	}
	l.layers(base, targets)
}

// layers reads the layers of the file one by one, then as each target lays
// them over one another. What is wrong in some targets only names them.
func (l *loader) layers(base *conf.Node, targets []conf.Entry) {
	l.view(base, nil, true)
	for _, t := range targets {
		l.view(t.Value, nil, true)
	}
	all := l.errs
	var found []*tidemill.Error
	in := map[string][]string{} // targets by finding
	for _, t := range targets {
		vars := l.vars
		if t.Key != l.project.Target {
			vars = nil
		}
		l.errs = &conf.Errors{}
		l.view(conf.Merge(base, t.Value, otherType), vars, false)
		for _, e := range Split(l.errs.Err()) {
			found = append(found, e)
			in[e.Error()] = append(in[e.Error()], t.Key)
		}
	}
	l.errs = all
	for _, e := range found {
		switch names := in[e.Error()]; {
		case all.Has(e) || len(names) == len(targets):
			all.Add(e.Pos, e.Hint, "%w", e.Err)
		default:
			all.Add(e.Pos, e.Hint, "%w (target %s)", e.Err, strings.Join(names, ", "))
		}
	}
}

// defaultTarget is the name of the target of a file without targets.
const defaultTarget = "dev"

// choose sets the project's target from the options.
func (l *loader) choose(pos tidemill.Pos) bool {
	p := l.project
	p.Target = p.Targets[0]
	if l.opts.Target == "" {
		return true
	}
	for _, t := range p.Targets {
		if t == l.opts.Target {
			p.Target = t
			return true
		}
	}
	l.errs.Add(pos, conf.Suggest(l.opts.Target, p.Targets), "there is no target %q", l.opts.Target)
	return false
}

// targets takes the targets out of the file.
func (l *loader) targets(root *conf.Node) (base *conf.Node, targets []conf.Entry) {
	base = &conf.Node{Kind: conf.Map, Pos: root.Pos}
	for _, e := range root.Entries {
		if e.Key != "targets" {
			base.Entries = append(base.Entries, e)
		}
	}
	all := root.Get("targets")
	if all == nil {
		return base, nil
	}
	if all.Kind != conf.Map {
		l.errs.Add(all.Pos, "write a name for each, as in targets: {dev: {...}}", "targets wants a mapping, got %s", all.Kind)
		return base, nil
	}
	for _, e := range all.Entries {
		l.name(e, "target")
		switch inner := e.Value.Get("targets"); {
		case e.Value.Kind == conf.Null:
			e.Value = &conf.Node{Kind: conf.Map, Pos: e.KeyPos}
		case e.Value.Kind != conf.Map:
			l.errs.Add(e.Value.Pos, "write the keys that differ in this target", "targets.%s wants a mapping, got %s", e.Key, e.Value.Kind)
			continue
		case inner != nil:
			l.errs.Add(inner.Pos, "put it beside the others", "targets.%s: a target cannot hold targets", e.Key)
		}
		targets = append(targets, e)
	}
	return base, targets
}

// otherType reports whether a connection is of another type than the one it
// is laid over: their keys have nothing in common.
func otherType(path string, base, over *conf.Node) bool {
	if !connectionPath.MatchString(path) {
		return false
	}
	a, b := base.Get("type"), over.Get("type")
	return a != nil && b != nil && a.Text != b.Text
}

var connectionPath = regexp.MustCompile(`^connections\.[^.]*$`)

var nameForm = regexp.MustCompile(namePattern)

const namePattern = `^[A-Za-z_][A-Za-z0-9_-]*$`

// name checks the key that names something.
func (l *loader) name(e conf.Entry, what string) {
	if !nameForm.MatchString(e.Key) {
		l.errs.Add(e.KeyPos, "names have letters, digits, _ and -, and begin with a letter", "%q is no name for a %s", e.Key, what)
	}
}
