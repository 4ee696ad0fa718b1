package build

import (
	"errors"
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

	chosen selector.Selection // of all kinds
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
	chosen, err := selector.Select(p.Manifest, in, out)
	if err != nil {
		return nil, err
	}
	plan := &Plan{Project: p, Command: command, chosen: chosen}
	for _, id := range p.Order {
		if n := p.Nodes[id]; chosen[id] != selector.Not && slices.Contains(kinds[command], n.Kind) {
			plan.Nodes = append(plan.Nodes, n)
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

	// reads are, for each test, the steps of what it reads.
	reads map[string][]string
}

// steps arranges the plan.
func (pl *Plan) steps() (*graph, error) {
	g := &graph{steps: map[string]*step{}, of: map[string]string{}, reads: map[string][]string{}}
	a := &arranger{plan: pl, graph: g}
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
			g.reads[n.ID] = a.upstream(n)
			a.placeTest(n)
		}
	}
	if err := a.sort(); err != nil {
		return nil, err
	}
	return g, nil
}

// sort fills order, from the first that can begin.
func (a *arranger) sort() error {
	g := a.graph
	place := map[string]int{}
	for i, id := range a.plan.Project.Order {
		place[id] = i
	}
	ids := sortedKeys(g.steps)
	slices.SortStableFunc(ids, func(x, y string) int { return place[x] - place[y] }) // tests alone come first
	w := newWaiting(g, ids)
	for ready := w.first(); len(ready) > 0; {
		id := ready[0]
		g.order = append(g.order, id)
		ready = append(ready[1:], w.end(id)...)
	}
	if len(g.order) < len(ids) {
		return &tidemill.Error{Code: tidemill.Invalid, Op: "plan", Err: errors.New("tests and models wait for each other")}
	}
	return nil
}

// waiting counts, for each step, the steps that it still waits for.
type waiting struct {
	ids   []string
	needs map[string]int
	next  map[string][]string // the steps that wait for one
}

func newWaiting(g *graph, ids []string) *waiting {
	w := &waiting{ids: ids, needs: map[string]int{}, next: map[string][]string{}}
	for _, id := range ids {
		for need := range g.steps[id].needs {
			w.needs[id]++
			w.next[need] = append(w.next[need], id)
		}
	}
	for _, after := range w.next {
		slices.Sort(after)
	}
	return w
}

// first returns the steps that wait for nothing.
func (w *waiting) first() []string {
	var ready []string
	for _, id := range w.ids {
		if w.needs[id] == 0 {
			ready = append(ready, id)
		}
	}
	return ready
}

// end returns the steps that waited only for id any more.
func (w *waiting) end(id string) []string {
	var ready []string
	for _, after := range w.next[id] {
		if w.needs[after]--; w.needs[after] == 0 {
			ready = append(ready, after)
		}
	}
	return ready
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
