package duckdb

import (
	"errors"
	"fmt"
	"os/exec"
	"syscall"
	"testing"

	"github.com/tidemill/tidemill"
)

var customers = tidemill.Table{
	TableName: tidemill.TableName{Schema: "raw", Name: "customers"},
	Write:     tidemill.Upsert, Key: []string{"id"}, Version: "version",
	Dedupe: tidemill.Dedupe{Mode: tidemill.DedupeForever},
}

// crashLanding has something of everything, so that each step of a commit is
// there: new and old rows in two tables, a letter, a letter that lands, marks.
func crashLanding() tidemill.Landing {
	l := landingOf(events, "b2", epoch, event{key: "old"}, event{key: "new"}, event{key: "mended", redelivered: true}, event{key: "new"})
	l.Rows = append(l.Rows, rows(customers, "b2", epoch, event{key: "c1", id: 1, version: 2}, event{key: "c2", id: 2, version: 1}))
	l.Dead = []tidemill.DeadLetter{{Delivery: id("x"), Code: tidemill.Malformed}}
	l.Marks = []tidemill.Mark{{Scope: "f", From: tidemill.Position("1"), To: tidemill.Position("2")}}
	return l
}

// prepareCrash makes what crashLanding builds on.
func prepareCrash(t *testing.T, path string) {
	t.Helper()
	w, err := Open(t.Context(), Connection{Path: path}, tidemill.Env{})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	evolve(t, w, events)
	evolve(t, w, customers)
	l := landingOf(events, "b1", epoch, event{key: "old"})
	l.Rows = append(l.Rows, rows(customers, "b1", epoch, event{key: "c0", id: 1, version: 1}))
	l.Dead = []tidemill.DeadLetter{{Delivery: id("mended"), Code: tidemill.UnknownType}}
	l.Marks = []tidemill.Mark{{Scope: "f", To: tidemill.Position("1")}}
	commit(t, w, l)
}

const crashState = `
SELECT string_agg(_batch, ',' ORDER BY _batch), count(DISTINCT _key), (SELECT string_agg(id || '=' || version, ',' ORDER BY id) FROM raw.customers),
  (SELECT string_agg(status, ',' ORDER BY status) FROM tidemill.dead_letters), (SELECT decode(position) FROM tidemill.marks),
  (SELECT sum(landed + duplicates + dead) FROM tidemill.batches WHERE batch = 'b2')
FROM raw.events`

// TestKilledCommit kills a process at each point of a commit: the next one
// finds all of the batch or nothing, and committing it again lands it once.
func TestKilledCommit(t *testing.T) {
	points := []string{"begun", "before-commit", "after-commit"}
	for i := range 40 {
		points = append(points, fmt.Sprintf("step-%d", i))
	}
	killed := 0
	for _, point := range points {
		path := file(t)
		prepareCrash(t, path)
		err := spawn(t, "crash", path, point).Run()
		var exit *exec.ExitError
		if err == nil { // there is no such step
			break
		}
		if !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
			t.Fatalf("%s: %v", point, err)
		}
		killed++
		w, err := Open(t.Context(), Connection{Path: path}, tidemill.Env{})
		if err != nil {
			t.Fatalf("%s: %v", point, err)
		}
		before := query(t, w, crashState)
		if none, all := "b1 1 1=1 dead 1 (null)\n", "b1,b2,b2 3 1=2,2=1 dead,landed 2 7\n"; before != none && before != all || (before == all) != (point == "after-commit") {
			t.Errorf("%s: %s", point, before)
		}
		r := commit(t, w, crashLanding())
		if r.Rows != 4 || r.Duplicates != 2 || r.Dead != 1 || r.Repeated != (point == "after-commit") {
			t.Errorf("%s: %+v", point, r)
		}
		if after := query(t, w, crashState); after != "b1,b2,b2 3 1=2,2=1 dead,landed 2 7\n" {
			t.Errorf("%s: %s", point, after)
		}
		w.Close()
	}
	if killed < 12 {
		t.Errorf("only %d points were reached", killed)
	}
}
