package build

import (
	"context"
	"slices"
	"time"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/pipeline/build/manifest"
	"github.com/tidemill/tidemill/pipeline/build/render"
)

// Compile renders the models and tests of plan without running them. Macros
// may ask wh, which is nil where they must not.
func Compile(ctx context.Context, wh tidemill.Warehouse, plan *Plan, o RunOptions) (*Results, error) {
	r := &runner{plan: plan, wh: wh, opts: o, out: output{project: plan.Project, dir: o.Output}}
	inv := *plan.Project.inv
	inv.FullRefresh, inv.Command = o.FullRefresh, string(plan.Command)
	r.inv = &inv
	r.results = &Results{RunID: inv.ID, Command: plan.Command, Started: time.Now().UTC(), Results: []Result{}}
	defer func() { r.results.Seconds = time.Since(r.results.Started).Seconds() }()
	nodes := slices.DeleteFunc(slices.Clone(plan.Nodes), func(n *manifest.Node) bool {
		return n.Kind != manifest.Model && n.Kind != manifest.Test
	})
	r.total = len(nodes)
	var ask render.Warehouse
	if wh != nil {
		l := &lease{wh: wh}
		defer l.drop()
		s, err := l.open(ctx)
		if err != nil {
			return r.results, err
		}
		if r.catalog, err = loadCatalog(ctx, s, r.dialect(), r.schemas()); err != nil {
			return r.results, err
		}
		ask = asker{s, r.catalog, inv.Target.Database}
	}
	for _, n := range nodes {
		if err := ctx.Err(); err != nil {
			return r.results, err
		}
		r.emit(r.compileNode(ctx, n, ask))
	}
	return r.results, nil
}

func (r *runner) compileNode(ctx context.Context, n *manifest.Node, ask render.Warehouse) Result {
	res := resultOf(n)
	begun := time.Now()
	c := &compiler{p: r.plan.Project, inv: r.inv, warehouse: ask}
	if r.catalog != nil {
		c.incremental = r.adds(n)
	}
	compiled, err := c.compile(ctx, n)
	if err == nil {
		err = r.out.write("compiled", n, compiled.SQL)
	}
	res.Seconds, res.SQL, res.Status = time.Since(begun).Seconds(), compiled.SQL, Success
	if err != nil {
		res.Status, res.Err, res.Message = Errored, err, err.Error()
	}
	return res
}

// adds reports whether n adds to the table that is there.
func (r *runner) adds(n *manifest.Node) bool {
	return n.Materialized() == "incremental" && !r.inv.FullRefreshOf(n) && r.catalog.get(n.Relation.Table()) == render.TableType
}
