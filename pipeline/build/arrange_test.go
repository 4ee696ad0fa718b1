package build

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/tidemill/tidemill/pipeline/build/manifest"
)

// TestStepsNeverWaitForEachOther: whatever models, tests of several nodes and
// selections there are, all steps can be done; a node comes after what it
// reads; and a test runs when all that it reads has been built.
func TestStepsNeverWaitForEachOther(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := randomProject(t)
		plan := &Plan{Project: p, Command: BuildCommand}
		for _, id := range p.Order {
			if p.Nodes[id].Kind != manifest.Source && rapid.IntRange(0, 4).Draw(t, "chosen "+id) > 0 {
				plan.Nodes = append(plan.Nodes, p.Nodes[id])
			}
		}
		g, err := plan.steps()
		if err != nil {
			t.Fatal(err)
		}
		place := map[string]int{}
		for i, id := range g.order {
			place[id] = i
		}
		for _, n := range plan.Nodes {
			step, ok := g.of[n.ID]
			if n.Ephemeral() {
				continue
			}
			if !ok || g.steps[step] == nil || !slices.Contains(g.steps[step].nodes(), n) {
				t.Fatalf("%s is in no step", n.ID)
			}
			for up := range p.Ancestors(n.ID, -1) {
				s := g.steps[up]
				if s != nil && s.node != nil && (place[up] > place[step] || n.Kind == manifest.Model && place[up] == place[step]) {
					t.Fatalf("%s runs before %s is built", n.ID, up)
				}
			}
		}
	})
}

func randomProject(t *rapid.T) *Project {
	p := &Project{Manifest: &manifest.Manifest{Project: "p", Nodes: map[string]*manifest.Node{}}}
	var ids []string
	add := func(kind manifest.Kind, deps []string) *manifest.Node {
		n := &manifest.Node{ID: fmt.Sprintf("%s.p.n%02d", kind, len(p.Nodes)), Kind: kind, DependsOn: deps, Config: manifest.NewConfig(kind)}
		p.Nodes[n.ID] = n
		return n
	}
	some := func(most int) []string {
		var out []string
		for range rapid.IntRange(1, most).Draw(t, "reads") {
			if id := rapid.SampledFrom(ids).Draw(t, "read"); !slices.Contains(out, id) {
				out = append(out, id)
			}
		}
		return out
	}
	ids = append(ids, add(manifest.Source, nil).ID, add(manifest.Seed, nil).ID)
	for range rapid.IntRange(1, 12).Draw(t, "models") {
		n := add(manifest.Model, some(3))
		if rapid.IntRange(0, 3).Draw(t, "ephemeral") == 0 {
			n.Config.Materialized = "ephemeral"
		}
		ids = append(ids, n.ID)
	}
	for range rapid.IntRange(0, 12).Draw(t, "tests") {
		n := add(manifest.Test, some(3))
		n.Test = &manifest.TestInfo{}
		if rapid.Bool().Draw(t, "generic") {
			n.Test.Generic, n.Test.Attached = "unique", n.DependsOn[0]
		}
	}
	if err := p.Link(); err != nil {
		t.Fatal(err)
	}
	return p
}
