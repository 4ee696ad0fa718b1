package manifest

import (
	"container/heap"
	"fmt"
	"slices"
	"strings"

	"github.com/tidemill/tidemill"
)

// Link fills Children and Order from the DependsOn of all nodes. A cycle is
// an error that prints its path.
func (m *Manifest) Link() error {
	m.Children = make(map[string][]string, len(m.Nodes))
	missing := make(map[string]int, len(m.Nodes))
	ids := m.IDs()
	for _, id := range ids {
		for _, dep := range m.Nodes[id].DependsOn {
			m.Children[dep] = append(m.Children[dep], id)
			missing[id]++
		}
	}
	ready := &queue{}
	for _, id := range ids {
		if missing[id] == 0 {
			heap.Push(ready, id)
		}
	}
	m.Order = make([]string, 0, len(ids))
	for ready.Len() > 0 {
		id := heap.Pop(ready).(string)
		m.Order = append(m.Order, id)
		for _, child := range m.Children[id] {
			if missing[child]--; missing[child] == 0 {
				heap.Push(ready, child)
			}
		}
	}
	if len(m.Order) < len(ids) {
		return m.cycle(missing)
	}
	return nil
}

// cycle finds one circle among the nodes that wait for others.
func (m *Manifest) cycle(missing map[string]int) error {
	var at string
	for _, id := range m.IDs() {
		if missing[id] > 0 {
			at = id
			break
		}
	}
	// Each waiting node has a parent that waits: going up must repeat one.
	index := map[string]int{}
	var path []string
	for {
		if i, ok := index[at]; ok {
			path = append(path[i:], at)
			break
		}
		index[at] = len(path)
		path = append(path, at)
		for _, dep := range m.Nodes[at].DependsOn {
			if missing[dep] > 0 {
				at = dep
				break
			}
		}
	}
	slices.Reverse(path)
	names := make([]string, len(path))
	for i, id := range path {
		names[i] = m.Nodes[id].Name
	}
	n := m.Nodes[path[0]]
	pos := tidemill.Pos{File: n.File}
	for _, r := range n.Refs {
		if r.Name == m.Nodes[path[len(path)-2]].Name && r.Pos.Line > 0 {
			pos = r.Pos
		}
	}
	return &tidemill.Error{
		Code: tidemill.Invalid, Pos: pos,
		Err:  fmt.Errorf("models form a cycle: %s", strings.Join(names, " -> ")),
		Hint: "an arrow means: is read by; remove one of these refs",
	}
}

// Ancestors returns the ids of all nodes that id depends on, up to depth
// steps away; a negative depth has no limit.
func (m *Manifest) Ancestors(id string, depth int) map[string]bool {
	return m.walk(id, depth, func(id string) []string {
		if n := m.Nodes[id]; n != nil {
			return n.DependsOn
		}
		return nil
	})
}

// Descendants returns the ids of all nodes that depend on id, up to depth
// steps away; a negative depth has no limit.
func (m *Manifest) Descendants(id string, depth int) map[string]bool {
	return m.walk(id, depth, func(id string) []string { return m.Children[id] })
}

func (m *Manifest) walk(id string, depth int, next func(string) []string) map[string]bool {
	seen := map[string]bool{}
	level := []string{id}
	for ; depth != 0 && len(level) > 0; depth-- {
		var following []string
		for _, at := range level {
			for _, n := range next(at) {
				if !seen[n] {
					seen[n] = true
					following = append(following, n)
				}
			}
		}
		level = following
	}
	return seen
}

// queue is a heap of ids, so that Order is the same in every run.
type queue []string

func (q queue) Len() int           { return len(q) }
func (q queue) Less(i, j int) bool { return q[i] < q[j] }
func (q queue) Swap(i, j int)      { q[i], q[j] = q[j], q[i] }
func (q *queue) Push(x any)        { *q = append(*q, x.(string)) }
func (q *queue) Pop() any {
	old := *q
	last := old[len(old)-1]
	*q = old[:len(old)-1]
	return last
}
