package build

import (
	"slices"

	"github.com/tidemill/tidemill/pipeline/build/manifest"
)

// arranger decides which steps there are and which need which. Tests join the
// step of the last node that they read, so that it is audited before anyone
// can read it.
type arranger struct {
	plan  *Plan
	graph *graph
}

// needUpstream makes s need the steps that n depends on, also through nodes
// that are not in the plan or have no step.
func (a *arranger) needUpstream(s *step, n *manifest.Node) {
	for _, up := range a.upstream(n) {
		s.needs[up] = true
	}
}

// upstream returns the nearest steps of nodes that n depends on: those behind
// them come first anyway.
func (a *arranger) upstream(n *manifest.Node) []string {
	var found []string
	seen := map[string]bool{}
	var visit func(ids []string)
	visit = func(ids []string) {
		for _, id := range ids {
			if seen[id] {
				continue
			}
			seen[id] = true
			if s := a.graph.steps[id]; s != nil && s.node != nil {
				found = append(found, id)
			} else if up := a.plan.Project.Nodes[id]; up != nil {
				visit(up.DependsOn)
			}
		}
	}
	visit(n.DependsOn)
	return found
}

// waitsFor reports whether something that t reads waits for step id.
func (a *arranger) waitsFor(t *manifest.Node, id string) bool {
	return slices.ContainsFunc(a.upstream(t), func(up string) bool { return a.needs(up, id) })
}

// placeTest puts a test into the step of the node that is built last of those
// that it reads. It stands alone where this plan builds none of them, or where
// the last thing to be built is only behind what it reads.
func (a *arranger) placeTest(t *manifest.Node) {
	before := a.graph.reads[t.ID]
	if len(before) == 0 {
		a.placeAlone(t)
		return
	}
	owner := a.lastOf(t, before)
	if !slices.Contains(a.plan.Project.reads(t), owner) {
		a.placeAlone(t)
		return
	}
	s := a.graph.steps[owner]
	for _, id := range before {
		if _, ok := s.needs[id]; !ok && id != owner {
			s.needs[id] = false
		}
	}
	s.tests = append(s.tests, t)
	a.graph.of[t.ID] = owner
}

// lastOf chooses the step that a test of several nodes joins. It must not be
// needed by another of them, or the two would wait for each other; the node
// that the test was declared on is preferred.
func (a *arranger) lastOf(t *manifest.Node, built []string) string {
	isLast := func(id string) bool {
		return !slices.ContainsFunc(built, func(other string) bool { return other != id && a.needs(other, id) })
	}
	if slices.Contains(built, t.Test.Attached) && isLast(t.Test.Attached) {
		return t.Test.Attached
	}
	slices.Sort(built)
	for _, id := range built {
		if isLast(id) {
			return id
		}
	}
	return built[0] // cannot be: the steps have no cycle, so one is last
}

// needs reports whether step id needs step other, directly or not.
func (a *arranger) needs(id, other string) bool {
	seen := map[string]bool{}
	var visit func(id string) bool
	visit = func(id string) bool {
		if id == other {
			return true
		}
		if seen[id] {
			return false
		}
		seen[id] = true
		for up := range a.graph.steps[id].needs {
			if visit(up) {
				return true
			}
		}
		return false
	}
	return visit(id)
}

// placeAlone puts a test into the group of those on the same node. What reads
// that node, and is not itself read by the test, waits for the group: nothing
// is built from a source whose tests failed.
func (a *arranger) placeAlone(t *manifest.Node) {
	on := t.Test.Attached
	if on == "" {
		on = t.ID
	}
	id := "tests." + on
	if a.graph.steps[id] != nil && a.waitsFor(t, id) {
		id = "tests." + t.ID
	}
	s := a.graph.steps[id]
	if s == nil {
		s = &step{id: id, needs: map[string]bool{}}
		a.graph.steps[id] = s
	}
	s.tests = append(s.tests, t)
	a.graph.of[t.ID] = id
	for _, up := range a.upstream(t) {
		s.needs[up] = false
	}
	for _, read := range t.DependsOn {
		for down := range a.plan.Project.Descendants(read, -1) {
			if d := a.graph.steps[down]; d != nil && d.node != nil && !a.needs(id, down) {
				d.needs[id] = true
			}
		}
	}
}
