package build

import (
	"time"

	"github.com/tidemill/tidemill/pipeline/build/manifest"
)

// Status is how a node ended.
type Status string

// The statuses. Models and seeds end in success, error or skipped; tests in
// pass, warn, fail, error or skipped.
const (
	Success Status = "success"
	Pass    Status = "pass"
	Warn    Status = "warn"
	Fail    Status = "fail"
	Errored Status = "error"
	Skipped Status = "skipped"
)

// Bad reports whether a status makes the command fail.
func (s Status) Bad() bool { return s == Errored || s == Fail }

// Result is how one node ended.
type Result struct {
	Node         string  `json:"node"` // its id
	Name         string  `json:"name"`
	Kind         string  `json:"kind"`
	Materialized string  `json:"materialized,omitempty"`
	Relation     string  `json:"relation,omitempty"`
	File         string  `json:"file"`
	Status       Status  `json:"status"`
	Rows         int64   `json:"rows"`     // of a table, all; of an incremental model, those written
	Failures     int64   `json:"failures"` // of a test: what its query counted
	Seconds      float64 `json:"seconds"`
	Message      string  `json:"message,omitempty"`
	SQL          string  `json:"compiled_sql,omitempty"`
	Found        *Sample `json:"found,omitempty"` // of a test that warned or failed

	// Repeated says that an earlier attempt of the same run did the node.
	Repeated bool `json:"repeated,omitempty"`

	// Err is the cause of an error.
	Err error `json:"-"`
}

// Results are those of a run, in the order in which nodes ended.
type Results struct {
	RunID   string    `json:"run_id"`
	Command Command   `json:"command"`
	Started time.Time `json:"started"`
	Seconds float64   `json:"seconds"`
	Results []Result  `json:"results"`
}

// Count returns how many nodes ended in one of the statuses.
func (r *Results) Count(statuses ...Status) int {
	n := 0
	for _, res := range r.Results {
		for _, s := range statuses {
			if res.Status == s {
				n++
			}
		}
	}
	return n
}

// Failed reports whether a model or seed could not be built, or a test of
// severity error found something.
func (r *Results) Failed() bool { return r.Count(Errored, Fail) > 0 }

// EventKind says what an Event tells.
type EventKind string

// The kinds of events.
const (
	Started  EventKind = "started"
	Finished EventKind = "finished"
)

// Event tells of a node that began or ended. Events come one at a time.
type Event struct {
	Kind   EventKind
	Node   *manifest.Node
	Result Result // of Finished
	Done   int    // nodes that have ended, with this one
	Total  int    // nodes of the plan
}

func resultOf(n *manifest.Node) Result {
	r := Result{Node: n.ID, Name: n.Name, Kind: string(n.Kind), Materialized: n.Materialized(), File: n.File}
	if n.Kind == manifest.Model || n.Kind == manifest.Seed {
		r.Relation = n.Relation.String()
	}
	return r
}
