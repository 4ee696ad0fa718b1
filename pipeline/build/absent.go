package build

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/pipeline/build/manifest"
	"github.com/tidemill/tidemill/pipeline/build/selector"
)

// reads returns the ids of what a test reads, through ephemeral models.
func (p *Project) reads(t *manifest.Node) []string {
	var out []string
	var visit func(ids []string)
	visit = func(ids []string) {
		for _, id := range ids {
			if n := p.Nodes[id]; n != nil && n.Ephemeral() {
				visit(n.DependsOn)
			} else if !slices.Contains(out, id) {
				out = append(out, id)
			}
		}
	}
	visit(t.DependsOn)
	return out
}

// findAbsent returns, for tests that came along with what was selected, why
// they cannot run: they read something else too, which is not in the
// warehouse. Nobody asked for those tests, so they hold nothing back; a test
// that was asked for runs, and says itself what it misses.
func (r *runner) findAbsent(ctx context.Context, s tidemill.Session) (map[string]string, error) {
	outside := r.outside()
	schemas := map[string]bool{}
	for _, nodes := range outside {
		for _, n := range nodes {
			schemas[n.Relation.Schema] = true
		}
	}
	if len(schemas) == 0 {
		return nil, nil
	}
	there, err := loadCatalog(ctx, s, r.dialect(), sortedKeys(schemas))
	if err != nil {
		return nil, err
	}
	absent := map[string]string{}
	for test, nodes := range outside {
		nodes = slices.DeleteFunc(nodes, func(n *manifest.Node) bool { return there.get(n.Relation.Table()) != "" })
		if len(nodes) > 0 {
			absent[test] = needs(nodes)
		}
	}
	return absent, nil
}

// outside returns, for each test that came along, what it reads that is not
// selected. What is in another database is left out: the catalog of the
// target does not tell whether it is there.
func (r *runner) outside() map[string][]*manifest.Node {
	p, out := r.plan.Project, map[string][]*manifest.Node{}
	for _, t := range r.plan.Nodes {
		if t.Kind != manifest.Test || r.plan.chosen[t.ID] != selector.Along {
			continue
		}
		for _, id := range p.reads(t) {
			if n := p.Nodes[id]; r.plan.chosen[id] == selector.Not && n != nil && n.Relation.Database == r.inv.Target.Database {
				out[t.ID] = append(out[t.ID], n)
			}
		}
	}
	return out
}

// needs says that nodes are missing.
func needs(nodes []*manifest.Node) string {
	var names []string
	for _, n := range nodes {
		names = append(names, n.Name)
	}
	slices.Sort(names)
	verb, state := "is", "built"
	if len(names) > 1 {
		verb = "are"
	}
	if slices.ContainsFunc(nodes, func(n *manifest.Node) bool { return n.Kind == manifest.Source }) {
		state = "in the warehouse"
	}
	return fmt.Sprintf("needs %s, which %s neither selected nor %s", strings.Join(names, " and "), verb, state)
}
