package build

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/pipeline/build/manifest"
	"github.com/tidemill/tidemill/pipeline/build/render"
	"github.com/tidemill/tidemill/pipeline/build/yml"
)

// ctePrefix begins the name that an ephemeral model has inside of others.
const ctePrefix = "__dbt__cte__"

// Compiled is the SQL of a node.
type Compiled struct {
	SQL  string // ready for the warehouse, without a semicolon at its end
	Body string // without the models that were put in front
}

// compiler makes the SQL of one node. It is used once.
type compiler struct {
	p           *Project
	inv         *render.Invocation
	warehouse   render.Warehouse // nil for a dry compile
	incremental bool

	// instead holds relations to read in the place of nodes: what is built
	// but not yet published.
	instead map[string]manifest.Relation

	ctes  []cte
	known map[string]bool // ids of ephemeral models in ctes
}

type cte struct{ name, sql string }

// compile renders n and puts the ephemeral models that it reads in front.
func (c *compiler) compile(ctx context.Context, n *manifest.Node) (Compiled, error) {
	body, err := c.body(ctx, n, nil)
	if err != nil {
		return Compiled{}, err
	}
	return Compiled{SQL: inject(c.ctes, body), Body: body}, nil
}

func (c *compiler) body(ctx context.Context, n *manifest.Node, path []string) (string, error) {
	t := c.p.templates[n.ID]
	if t == nil {
		return "", fmt.Errorf("compile %s: it has no SQL", n.Name)
	}
	r := &resolver{c: c, node: n, path: append(slices.Clone(path), n.ID)}
	rc := &render.Context{Invocation: c.inv, Node: n, Resolver: r, Warehouse: c.warehouse, Incremental: c.incremental && len(path) == 0}
	text, err := t.Render(ctx, rc.Scope())
	if err != nil {
		if n.Kind == manifest.Test && n.Test.Generic != "" {
			return "", at(n.Pos, err)
		}
		return "", err
	}
	return trim(text), nil
}

// trim takes white space and semicolons from the end, which would end the
// statement that the text stands in.
func trim(sql string) string {
	return strings.TrimRight(sql, "; \t\r\n")
}

// resolver answers for a node that is compiled.
type resolver struct {
	c    *compiler
	node *manifest.Node
	path []string // ids of the models around an ephemeral one
}

// Ref returns the place of a node; an ephemeral one becomes a CTE.
func (r *resolver) Ref(ctx context.Context, ref manifest.Ref) (*render.Relation, error) {
	id, err := r.c.p.findRef(r.node, ref)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(r.node.DependsOn, id) {
		return nil, &tidemill.Error{
			Code: tidemill.Invalid, Pos: ref.Pos, Err: fmt.Errorf("%s reads %s only in a run, so the order of the two was not known", r.node.Name, ref.Name),
			Hint: fmt.Sprintf("write -- depends_on: {{ ref('%s') }} at the top of %s", ref.Name, r.node.File),
		}
	}
	n := r.c.p.Nodes[id]
	if n.Ephemeral() {
		return r.cte(ctx, n)
	}
	return r.relation(n), nil
}

// Source returns the place of a table of a source.
func (r *resolver) Source(_ context.Context, ref manifest.Ref) (*render.Relation, error) {
	id, err := r.c.p.findSource(r.node, ref)
	if err != nil {
		return nil, err
	}
	return r.relation(r.c.p.Nodes[id]), nil
}

// Configure does nothing: the settings were taken when the project was read.
func (*resolver) Configure([]yml.Field) error { return nil }

func (r *resolver) relation(n *manifest.Node) *render.Relation {
	at := n.Relation
	if other, ok := r.c.instead[n.ID]; ok {
		at = other
	}
	return render.NewRelation(r.c.inv.Library.Dialect, r.c.inv.Target.Database, at, "")
}

func (r *resolver) cte(ctx context.Context, n *manifest.Node) (*render.Relation, error) {
	relation := render.CTE(r.c.inv.Library.Dialect, ctePrefix+n.Name)
	if r.c.known[n.ID] {
		return relation, nil
	}
	if r.c.known == nil {
		r.c.known = map[string]bool{}
	}
	r.c.known[n.ID] = true
	body, err := r.c.body(ctx, n, r.path)
	if err != nil {
		return nil, err
	}
	// Those that n reads were added while it was rendered, so before it.
	r.c.ctes = append(r.c.ctes, cte{ctePrefix + n.Name, body})
	return relation, nil
}

// with matches a leading WITH, behind white space and comments.
var with = regexp.MustCompile(`(?is)^((?:\s|--[^\n]*\n|/\*.*?\*/)*)with(\s+recursive)?\s`)

// inject puts ctes in front of sql, into its own WITH if it has one.
func inject(ctes []cte, sql string) string {
	if len(ctes) == 0 {
		return sql
	}
	var b strings.Builder
	for i, c := range ctes {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(c.name + " as (\n" + c.sql + "\n)")
	}
	m := with.FindStringSubmatchIndex(sql)
	if m == nil {
		return "with " + b.String() + "\n" + sql
	}
	recursive := ""
	if m[4] >= 0 {
		recursive = " recursive"
	}
	return sql[m[2]:m[3]] + "with" + recursive + " " + b.String() + ", " + sql[m[1]:]
}
