package build

import (
	"fmt"
	"slices"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/pipeline/build/manifest"
	"github.com/tidemill/tidemill/pipeline/build/selector"
)

// Command is what is done with the nodes of a plan.
type Command string

// The commands, as dbt spells them.
const (
	BuildCommand   Command = "build"
	RunCommand     Command = "run"
	TestCommand    Command = "test"
	SeedCommand    Command = "seed"
	CompileCommand Command = "compile"
	ListCommand    Command = "ls"
)

// kinds are the nodes that a command is about.
var kinds = map[Command][]manifest.Kind{
	BuildCommand:   {manifest.Model, manifest.Seed, manifest.Test},
	RunCommand:     {manifest.Model},
	TestCommand:    {manifest.Test},
	SeedCommand:    {manifest.Seed},
	CompileCommand: {manifest.Model, manifest.Test},
	ListCommand:    {manifest.Model, manifest.Seed, manifest.Test, manifest.Source},
}

// Plan is a part of a project and what is to be done with it.
type Plan struct {
	Project *Project
	Command Command
	Nodes   []*manifest.Node // in an order in which they can be built

	chosen map[string]bool
}

// Select makes a plan of the nodes that include holds for and exclude does
// not, of the kinds that the command is about.
func (p *Project) Select(command Command, include, exclude []string) (*Plan, error) {
	if kinds[command] == nil {
		return nil, fmt.Errorf("select: there is no command %q", command)
	}
	in, err := selector.Parse(include)
	if err != nil {
		return nil, err
	}
	out, err := selector.Parse(exclude)
	if err != nil {
		return nil, err
	}
	ids, err := selector.Select(p.Manifest, in, out)
	if err != nil {
		return nil, err
	}
	plan := &Plan{Project: p, Command: command, chosen: map[string]bool{}}
	for _, id := range p.Order {
		if n := p.Nodes[id]; ids[id] && slices.Contains(kinds[command], n.Kind) {
			plan.Nodes = append(plan.Nodes, n)
			plan.chosen[id] = true
		}
	}
	return plan, nil
}

// step is what a worker does at once: a node with the tests that are audited
// before it is published, or tests alone.
type step struct {
	id    string
	node  *manifest.Node   // nil for tests alone
	tests []*manifest.Node // in order

	// needs are the steps that come before. True means that their failure
	// skips this one; false, that only some tests of this one read them.
	needs map[string]bool
}

// graph holds the steps of a plan.
type graph struct {
	steps map[string]*step
	order []string          // ids of steps, each after those that it needs
	of    map[string]string // id of a node to that of its step
}

// steps arranges the plan.
func (pl *Plan) steps() (*graph, error) {
	g := &graph{steps: map[string]*step{}, of: map[string]string{}}
	a := &arranger{plan: pl, graph: g, reach: map[string]map[string]bool{}}
	for _, n := range pl.Nodes {
		if n.Kind != manifest.Test && !n.Ephemeral() {
			g.steps[n.ID] = &step{id: n.ID, node: n, needs: map[string]bool{}}
			g.of[n.ID] = n.ID
		}
	}
	for _, n := range pl.Nodes {
		if n.Kind != manifest.Test && !n.Ephemeral() {
			a.needUpstream(g.steps[n.ID], n)
		}
	}
	for _, n := range pl.Nodes {
		if n.Kind == manifest.Test {
			a.placeTest(n)
		}
	}
	if err := a.sort(); err != nil {
		return nil, err
	}
	return g, nil
}

// sort fills order.
func (a *arranger) sort() error {
	done := map[string]bool{}
	ids := make([]string, 0, len(a.graph.steps))
	for _, id := range a.plan.Project.Order {
		if a.graph.steps[id] != nil {
			ids = append(ids, id)
		}
	}
	for _, id := range sortedKeys(a.graph.steps) {
		if !slices.Contains(ids, id) {
			ids = append(ids, id) // groups of tests
		}
	}
	for len(a.graph.order) < len(ids) {
		before := len(a.graph.order)
		for _, id := range ids {
			if !done[id] && covers(done, a.graph.steps[id].needs) {
				done[id] = true
				a.graph.order = append(a.graph.order, id)
			}
		}
		if len(a.graph.order) == before {
			return &tidemill.Error{Code: tidemill.Invalid, Err: fmt.Errorf("plan: tests and models wait for each other")}
		}
	}
	return nil
}

func covers(have, want map[string]bool) bool {
	for id := range want {
		if !have[id] {
			return false
		}
	}
	return true
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
