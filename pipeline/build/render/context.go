package render

import (
	"context"
	"time"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/jinja"
	"github.com/tidemill/tidemill/pipeline/build/manifest"
	"github.com/tidemill/tidemill/pipeline/build/result"
	"github.com/tidemill/tidemill/pipeline/build/yml"
)

// Target is the place that models are built in, as templates see it.
type Target struct {
	Name     string // dev, prod
	Profile  string
	Type     string // duckdb
	Database string // of the session; "" where it is not known
	Schema   string // the default schema
	Threads  int
}

// Invocation is what all renders of one command share. Its functions must be
// safe for concurrent use.
type Invocation struct {
	Library     *Library
	Target      Target
	Vars        *Vars
	Env         func(name string) (string, bool)
	ID          string
	Started     time.Time
	FullRefresh bool
	Command     string                                        // build, run, test; "" while the project is read
	Log         func(pos tidemill.Pos, level, message string) // level is info, warn or debug
}

// Resolver answers for the node in hand what ref, source and config ask.
type Resolver interface {
	Ref(ctx context.Context, r manifest.Ref) (*Relation, error)
	Source(ctx context.Context, r manifest.Ref) (*Relation, error)
	// Configure takes the arguments of a call of config.
	Configure(fields []yml.Field) error
}

// Warehouse answers what macros ask while SQL is made.
type Warehouse interface {
	Query(ctx context.Context, sql string) (*result.Table, error)
	// Lookup returns the relation with its type, or nil where it is missing.
	Lookup(ctx context.Context, r manifest.Relation) (*Relation, error)
	Columns(ctx context.Context, r manifest.Relation) ([]Column, error)
}

// Context serves the renders of one node. It is not safe for concurrent use.
type Context struct {
	*Invocation
	Node      *manifest.Node // nil outside of nodes
	Resolver  Resolver
	Warehouse Warehouse // nil while the project is read: execute is false then

	// Incremental is what is_incremental() says.
	Incremental bool

	scope   *jinja.Scope
	results map[string]any // of statement blocks, by name
}

// Scope returns what a template of the node sees.
func (c *Context) Scope() *jinja.Scope {
	if c.scope == nil {
		c.scope = &jinja.Scope{Resolve: c.resolve}
	}
	return c.scope
}

// Execute reports whether the warehouse may be asked.
func (c *Context) Execute() bool { return c.Warehouse != nil }

// resolve finds a name: macros of the project, then what is defined here,
// then macros of the engine. Nothing is made before it is asked for.
func (c *Context) resolve(name string) (any, bool) {
	if m := c.Library.macros[c.Library.Project][name]; m != nil {
		return m.Bind(c.Scope()), true
	}
	if v, ok := c.define(name); ok {
		return v, true
	}
	if m := c.Library.macros[dbtPackage][name]; m != nil {
		return m.Bind(c.Scope()), true
	}
	if pkg := c.Library.macros[name]; pkg != nil {
		return namespace{pkg, c.Scope()}, true
	}
	return nil, false
}

// define makes what dbt calls name, or reports false.
func (c *Context) define(name string) (any, bool) {
	if f, ok := functions[name]; ok {
		return jinja.Func(func(call *jinja.Call) (any, error) { return f(c, call) }), true
	}
	switch name {
	case "var":
		return varFunc{c}, true
	case "config":
		return configFunc{c}, true
	case "target":
		return c.targetDict(), true
	case "this":
		return c.this(), true
	case "model":
		return NodeValue(c.Node), true
	case "execute":
		return c.Execute(), true
	case "run_started_at":
		return Time{c.Started}, true
	case "invocation_id":
		return c.ID, true
	case "project_name":
		return c.Library.Project, true
	case "schema":
		return c.schema(), true
	case "database":
		return c.Target.Database, true
	case "flags":
		return jinja.DictOf("FULL_REFRESH", c.FullRefresh, "WHICH", text(c.Command)), true
	case "dbt_version":
		return DBTVersion, true
	case "api":
		return api{c}, true
	case "adapter":
		return adapter{c}, true
	case "exceptions":
		return exceptions{c}, true
	case "modules":
		return modules{}, true
	case "builtins":
		return builtins{c}, true
	}
	return nil, false
}

// functions are the names that are plain functions.
var functions = map[string]func(c *Context, call *jinja.Call) (any, error){
	"ref":                 (*Context).ref,
	"source":              (*Context).source,
	"env_var":             (*Context).envVar,
	"is_incremental":      (*Context).isIncremental,
	"should_full_refresh": (*Context).shouldFullRefresh,
	"log":                 (*Context).log,
	"print":               (*Context).print,
	"run_query":           (*Context).runQuery,
	"statement":           (*Context).statement,
	"load_result":         (*Context).loadResult,
	"load_relation":       (*Context).loadRelation,
	"tojson":              (*Context).toJSON,
	"fromjson":            (*Context).fromJSON,
	"fromyaml":            (*Context).fromYAML,
	"local_md5":           (*Context).localMD5,
	"set":                 setOf,
	"set_strict":          setOf,
	"zip":                 zipped,
	"zip_strict":          zipped,
}

// builtins gives the functions that a macro of the project may have replaced.
type builtins struct{ c *Context }

// GetAttr returns ref, source or config.
func (b builtins) GetAttr(name string) (any, bool) {
	switch name {
	case "ref", "source", "config", "var", "env_var":
		return b.c.define(name)
	}
	return nil, false
}
