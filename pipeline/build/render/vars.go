package render

import (
	"fmt"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/jinja"
	"github.com/tidemill/tidemill/pipeline/build/yml"
	"github.com/tidemill/tidemill/project/conf"
)

// Vars are the variables of the project and of the command line, which wins.
type Vars struct {
	given   *yml.Node
	project *yml.Node
	name    string // of the project: its own map within vars comes first
}

// NewVars reads the text of --vars, YAML, over the vars of the project.
func NewVars(given, project string, vars *yml.Node) (*Vars, error) {
	n, err := yml.Parse("--vars", []byte(given))
	if err != nil {
		return nil, err
	}
	if err := n.WantMap(); err != nil {
		return nil, fmt.Errorf("write --vars '{name: value}': %w", err)
	}
	return &Vars{given: n, project: vars, name: project}, nil
}

// Get returns a variable, or nil.
func (v *Vars) Get(name string) *yml.Node {
	if n := v.given.Get(name); n != nil {
		return n
	}
	if own := v.project.Get(v.name); own != nil && own.Kind == yml.Map {
		if n := own.Get(name); n != nil {
			return n
		}
	}
	return v.project.Get(name)
}

func (v *Vars) names() []string {
	var names []string
	for _, n := range []*yml.Node{v.given, v.project, v.project.Get(v.name)} {
		if n == nil {
			continue
		}
		for _, f := range n.Fields {
			names = append(names, f.Name)
		}
	}
	return names
}

// varFunc is var: a function, with has_var beside it.
type varFunc struct{ c *Context }

// Call returns the value of a variable, or the default.
func (f varFunc) Call(call *jinja.Call) (any, error) {
	args, err := call.Unpack("var", "name", "default?")
	if err != nil {
		return nil, err
	}
	name := jinja.Str(args[0])
	if v := f.c.Vars.Get(name); v != nil {
		return ToValue(v), nil
	}
	if args[1] != jinja.Missing {
		return args[1], nil
	}
	e := &tidemill.Error{
		Code: tidemill.Invalid, Pos: call.Pos(), Err: fmt.Errorf("variable %q is not set", name),
		Hint: fmt.Sprintf("add it to vars: in dbt_project.yml, or pass --vars '{%s: VALUE}'", name),
	}
	if near := conf.Nearest(name, f.c.Vars.names()); near != "" {
		e.Hint = fmt.Sprintf("did you mean %q?", near)
	}
	return nil, e
}

// GetAttr returns has_var.
func (f varFunc) GetAttr(name string) (any, bool) {
	if name != "has_var" {
		return nil, false
	}
	return jinja.Func(func(call *jinja.Call) (any, error) {
		args, err := call.Unpack("var.has_var", "name")
		if err != nil {
			return nil, err
		}
		return f.c.Vars.Get(jinja.Str(args[0])) != nil, nil
	}), true
}
