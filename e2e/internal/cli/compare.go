package cli

import (
	"crypto/md5"
	"fmt"
	"testing"

	"github.com/tidemill/tidemill/examples/cards/gen"
)

// Expected are the distinct events of a stream of the cards example: each
// must be there once, the valid ones as rows and the others as dead letters.
type Expected struct {
	Prefix     string         // of the queues, as produce.Publisher has it
	Rows, Dead map[string]int // once each, by what identifies them
}

// NewExpected returns an empty set of events that go to queues with a prefix.
func NewExpected(prefix string) Expected {
	return Expected{prefix, map[string]int{}, map[string]int{}}
}

// Add notes an event that was published; repeats change nothing.
func (x Expected) Add(e gen.Event) {
	if e.Fault == "" {
		x.Rows[e.Type+" "+e.ID] = 1
	} else {
		x.Dead[fmt.Sprintf("%s%s %s %x", x.Prefix, e.Queue, e.Type, md5.Sum(e.Body))] = 1
	}
}

// Watch returns a function that gives the events of g and notes them.
func (x Expected) Watch(g *gen.Generator) func() (gen.Event, bool) {
	return func() (gen.Event, bool) {
		e, ok := g.Next()
		if ok {
			x.Add(e)
		}
		return e, ok
	}
}

// Check compares what p has landed in raw.events, and the dead letters, with
// what was published, key by key.
func (x Expected) Check(p *Project) {
	p.t.Helper()
	Compare(p.t, "rows", x.Rows, p.Counts(`
		select type || ' ' || coalesce(payload->>'orderId', payload->>'batchId', payload->>'cardId') as key, count(*)
		from raw.events group by all`))
	Compare(p.t, "dead letters", x.Dead, p.Counts(`
		select source || ' ' || type || ' ' || md5(value), count(*) from tidemill.dead_letters group by all`))
}

// Compare lists the first keys that are lost, doubled or not from here. It
// fails where nothing is wanted, because it would then compare nothing.
func Compare(t testing.TB, what string, want, got map[string]int) {
	t.Helper()
	wrong := 0
	fail := func(key string) {
		if wrong++; wrong <= 10 {
			t.Errorf("%s: %q is there %d times, want %d", what, key, got[key], want[key])
		}
	}
	for key := range want {
		if got[key] != want[key] {
			fail(key)
		}
	}
	for key := range got {
		if want[key] == 0 {
			fail(key)
		}
	}
	if wrong > 0 || len(want) == 0 {
		t.Errorf("%s: %d of %d keys are wrong", what, wrong, len(want))
	}
}
