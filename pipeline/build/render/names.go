package render

import (
	"errors"
	"fmt"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/jinja"
	"github.com/tidemill/tidemill/pipeline/build/manifest"
	"github.com/tidemill/tidemill/pipeline/build/yml"
)

// texts returns the arguments of a call that takes between least and most
// strings and no keywords but those in allowed.
func texts(call *jinja.Call, fn string, least, most int) ([]string, error) {
	if len(call.Args) < least || len(call.Args) > most {
		want := fmt.Sprint(least)
		if most > least {
			want = fmt.Sprintf("%d or %d", least, most)
		}
		return nil, fmt.Errorf("%s() takes %s arguments, got %d", fn, want, len(call.Args))
	}
	out := make([]string, len(call.Args))
	for i, a := range call.Args {
		s, ok := a.(string)
		if !ok {
			return nil, fmt.Errorf("%s() takes strings, got %s", fn, jinja.Repr(a))
		}
		out[i] = s
	}
	return out, nil
}

func (c *Context) ref(call *jinja.Call) (any, error) {
	if len(call.Kwargs) > 0 {
		if name := call.Kwargs[0].Name; name != "v" && name != "version" {
			return nil, fmt.Errorf("ref() takes no argument %s", name)
		}
		return nil, errors.New("ref(): versions of models are not supported yet; write ref('model')")
	}
	args, err := texts(call, "ref", 1, 2)
	if err != nil {
		return nil, err
	}
	r := manifest.Ref{Name: args[len(args)-1], Pos: call.Pos()}
	if len(args) == 2 {
		r.Package = args[0]
	}
	if c.Resolver == nil {
		return nil, errors.New("ref() can only be used in models, tests and their macros")
	}
	return relationOrError(c.Resolver.Ref(call.Context(), r))
}

func (c *Context) source(call *jinja.Call) (any, error) {
	args, err := texts(call, "source", 2, 2)
	if err != nil {
		return nil, err
	}
	if c.Resolver == nil {
		return nil, errors.New("source() can only be used in models, tests and their macros")
	}
	return relationOrError(c.Resolver.Source(call.Context(), manifest.Ref{Package: args[0], Name: args[1], Pos: call.Pos()}))
}

// relationOrError keeps a nil *Relation from becoming a value.
func relationOrError(r *Relation, err error) (any, error) {
	if err != nil || r == nil {
		return nil, err
	}
	return r, nil
}

func (c *Context) envVar(call *jinja.Call) (any, error) {
	args, err := call.Unpack("env_var", "name", "default?")
	if err != nil {
		return nil, err
	}
	name, ok := args[0].(string)
	if !ok {
		return nil, fmt.Errorf("env_var() takes a name, got %s", jinja.Repr(args[0]))
	}
	if c.Env != nil {
		if v, ok := c.Env(name); ok {
			return v, nil
		}
	}
	if args[1] != jinja.Missing {
		return args[1], nil
	}
	return nil, &tidemill.Error{
		Code: tidemill.Invalid, Pos: call.Pos(), Err: fmt.Errorf("environment variable %s is not set", name),
		Hint: fmt.Sprintf("export %s, write it into .env, or give a default: env_var('%s', '...')", name, name),
	}
}

func (c *Context) targetDict() any {
	t := c.Target
	return jinja.DictOf(
		"name", t.Name, "target_name", t.Name, "profile_name", t.Profile, "type", t.Type, "database", t.Database, "dbname", t.Database,
		"schema", t.Schema, "threads", int64(t.Threads),
	)
}

func (c *Context) this() any {
	if c.Node == nil || c.Node.Relation.Identifier == "" {
		return nil
	}
	return NewRelation(c.Library.Dialect, c.Target.Database, c.Node.Relation, "")
}

func (c *Context) schema() string {
	if c.Node != nil && c.Node.Relation.Schema != "" {
		return c.Node.Relation.Schema
	}
	return c.Target.Schema
}

func (c *Context) isIncremental(call *jinja.Call) (any, error) {
	_, err := call.Unpack("is_incremental")
	return c.Incremental, err
}

func (c *Context) shouldFullRefresh(call *jinja.Call) (any, error) {
	_, err := call.Unpack("should_full_refresh")
	return c.FullRefreshOf(c.Node), err
}

// FullRefreshOf reports whether n is to be built anew: its own setting, else
// that of the command.
func (inv *Invocation) FullRefreshOf(n *manifest.Node) bool {
	if n != nil && n.Config.FullRefresh != nil {
		return *n.Config.FullRefresh
	}
	return inv.FullRefresh
}

func (c *Context) log(call *jinja.Call) (any, error) {
	args, err := call.Unpack("log", "msg", "info?")
	if err != nil {
		return nil, err
	}
	level := "debug"
	if args[1] != jinja.Missing && jinja.Truth(args[1]) {
		level = "info"
	}
	c.say(call, level, jinja.Str(args[0]))
	return "", nil
}

func (c *Context) print(call *jinja.Call) (any, error) {
	args, err := call.Unpack("print", "msg")
	if err != nil {
		return nil, err
	}
	if c.Execute() {
		c.say(call, "info", jinja.Str(args[0]))
	}
	return "", nil
}

func (c *Context) say(call *jinja.Call, level, message string) {
	if c.Log != nil {
		c.Log(call.Pos(), level, message)
	}
}

// exceptions are the errors and warnings of macros.
type exceptions struct{ c *Context }

// GetAttr returns a function.
func (e exceptions) GetAttr(name string) (any, bool) {
	switch name {
	case "raise_compiler_error", "raise_not_implemented":
		return jinja.Func(func(call *jinja.Call) (any, error) {
			args, err := call.Unpack(name, "msg", "node?")
			if err != nil {
				return nil, err
			}
			return nil, errors.New(jinja.Str(args[0]))
		}), true
	case "warn":
		return jinja.Func(func(call *jinja.Call) (any, error) {
			args, err := call.Unpack(name, "msg", "node?")
			if err != nil {
				return nil, err
			}
			e.c.say(call, "warn", jinja.Str(args[0]))
			return "", nil
		}), true
	}
	return nil, false
}

// configFunc is config: a function of the settings, and an object that knows
// them.
type configFunc struct{ c *Context }

// Call takes settings as keywords or as one dict.
func (f configFunc) Call(call *jinja.Call) (any, error) {
	var fields []yml.Field
	for _, a := range call.Args {
		d, ok := a.(*jinja.Dict)
		if !ok {
			return nil, fmt.Errorf("config() takes keywords or a dict, got %s", jinja.Repr(a))
		}
		n, err := FromValue(d, call.Pos())
		if err != nil {
			return nil, fmt.Errorf("config(): %w", err)
		}
		fields = append(fields, n.Fields...)
	}
	for _, kw := range call.Kwargs {
		n, err := FromValue(kw.Value, call.Pos())
		if err != nil {
			return nil, fmt.Errorf("config(%s): %w", kw.Name, err)
		}
		fields = append(fields, yml.Field{Name: kw.Name, Pos: call.Pos(), Value: n})
	}
	if f.c.Resolver == nil {
		return nil, errors.New("config() can only be used in models and tests")
	}
	return "", f.c.Resolver.Configure(fields)
}

// GetAttr returns get, require and their like for meta.
func (f configFunc) GetAttr(name string) (any, bool) {
	switch name {
	case "get", "meta_get":
		return jinja.Func(func(call *jinja.Call) (any, error) {
			args, err := call.Unpack("config."+name, "name", "default?", "validator?")
			if err != nil {
				return nil, err
			}
			if v, ok := f.value(jinja.Str(args[0])); ok {
				return v, validate(call, args[2], v)
			}
			if args[1] != jinja.Missing {
				return args[1], nil
			}
			return nil, nil
		}), true
	case "require", "meta_require":
		return jinja.Func(func(call *jinja.Call) (any, error) {
			args, err := call.Unpack("config."+name, "name", "validator?")
			if err != nil {
				return nil, err
			}
			if v, ok := f.value(jinja.Str(args[0])); ok {
				return v, validate(call, args[1], v)
			}
			return nil, fmt.Errorf("config %s is required and not set", jinja.Str(args[0]))
		}), true
	}
	return nil, false
}

// validate calls a validator of a setting, which raises an error where the
// value will not do.
func validate(call *jinja.Call, validator, v any) error {
	if validator == jinja.Missing || validator == nil {
		return nil
	}
	_, err := call.Invoke(validator, []any{v})
	return err
}

func (f configFunc) value(key string) (any, bool) {
	if f.c.Node == nil {
		return nil, false
	}
	if key == "materialized" {
		return f.c.Node.Materialized(), true
	}
	v := f.c.Node.Config.Get(key)
	if v.IsNull() {
		return nil, false
	}
	return ToValue(v), true
}
