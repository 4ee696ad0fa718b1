package duckdb

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/tidemill/tidemill"
)

// landingOf returns a landing of events into table t whose batch was made at a time.
func landingOf(t tidemill.Table, batch string, at time.Time, e ...event) tidemill.Landing {
	return tidemill.Landing{Pipeline: "p", Batch: batch, Rows: []tidemill.TableRows{rows(t, batch, at, e...)}}
}

func commit(t testing.TB, w tidemill.Warehouse, l tidemill.Landing) tidemill.Receipt {
	t.Helper()
	r, err := w.Commit(context.Background(), l)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func evolve(t testing.TB, w tidemill.Warehouse, table tidemill.Table) {
	t.Helper()
	if _, err := w.Evolve(context.Background(), table, eventSchema()); err != nil {
		t.Fatal(err)
	}
}

// TestFilterIsRebuilt: what a process before landed is recognised, within the
// window only.
func TestFilterIsRebuilt(t *testing.T) {
	path := file(t)
	first, err := Open(t.Context(), Connection{Path: path}, tidemill.Env{})
	if err != nil {
		t.Fatal(err)
	}
	evolve(t, first, events)
	commit(t, first, landingOf(events, "b1", epoch, event{key: "old"}))
	commit(t, first, landingOf(events, "b2", epoch.Add(50*time.Minute), event{key: "new"}))
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	w := open(t, path)
	r := commit(t, w, landingOf(events, "b3", epoch.Add(70*time.Minute), event{key: "old", delivery: "2"}, event{key: "new", delivery: "3"}))
	if r.Rows != 1 || r.Duplicates != 1 {
		t.Errorf("%+v: want the old key landed again, the new one recognised", r)
	}
}

// TestFullFilter: beyond its cap the filter asks the table.
func TestFullFilter(t *testing.T) {
	f := newFilter(time.Hour)
	f.cap = 10
	for i := range 20 {
		f.add(id(fmt.Sprint(i)), epoch.Add(time.Duration(i)*time.Minute))
	}
	since := epoch.Add(-time.Hour)
	for i := range 20 {
		if _, hit := f.lookup(id(fmt.Sprint(i)), since); !hit {
			t.Errorf("key %d is not found", i)
		}
	}
	if _, hit := f.lookup(id("another"), since); !hit {
		t.Error("a full filter claims to know that a key is new")
	}
	f.expire(epoch.Add(20 * time.Minute))
	if _, hit := f.lookup(id("another"), epoch.Add(20*time.Minute)); hit {
		t.Error("the filter is full for ever")
	}
}

func TestFilterHasNoFalseHits(t *testing.T) {
	f := newFilter(time.Hour)
	const n = 300_000
	for i := range n {
		f.add(tidemill.ID{0: byte(i), 1: byte(i >> 8), 2: byte(i >> 16)}, epoch.Add(time.Duration(i)*10*time.Millisecond))
	}
	wrong := 0
	for i := range n {
		at, hit := f.lookup(tidemill.ID{0: byte(i), 1: byte(i >> 8), 2: byte(i >> 16)}, epoch)
		if landed := epoch.Add(time.Duration(i) * 10 * time.Millisecond); !hit || at.After(landed) {
			t.Fatalf("key %d landed at %v: found %v, since %v", i, landed, hit, at)
		}
		if _, hit := f.lookup(tidemill.ID{0: byte(i), 1: byte(i >> 8), 2: byte(i >> 16), 15: 1}, epoch); hit {
			wrong++
		}
	}
	if wrong > 3 {
		t.Errorf("%d false hits of %d", wrong, n)
	}
	slots := 0
	for _, g := range f.gens {
		for _, s := range g.segments {
			slots += len(s.slots)
		}
	}
	if bytes := float64(slots*4) / n; bytes > 16 {
		t.Errorf("%.1f bytes a key", bytes)
	} else {
		t.Logf("%.1f bytes a key in %d generations, %d false hits", bytes, len(f.gens), wrong)
	}
}

// TestSharedTable: what a pipeline without dedupe lands, or one with another
// window, is looked for by the others.
func TestSharedTable(t *testing.T) {
	w := open(t, inMemory)
	evolve(t, w, events)
	off, long := events, events
	off.Dedupe.Mode, long.Dedupe.Window = tidemill.DedupeOff, 3*time.Hour
	commit(t, w, landingOf(events, "b1", epoch, event{key: "a"}))
	commit(t, w, landingOf(long, "b2", epoch, event{key: "b"}))
	commit(t, w, landingOf(off, "b3", epoch, event{key: "c"}))
	all := []event{{key: "a", delivery: "a2"}, {key: "b", delivery: "b2"}, {key: "c", delivery: "c2"}}
	for i, table := range []tidemill.Table{events, long} {
		if r := commit(t, w, landingOf(table, fmt.Sprint("c", i), epoch, all...)); r.Rows != 0 {
			t.Errorf("window %v: %+v", table.Dedupe.Window, r)
		}
	}
}

// TestClockStep: a clock that leaps ahead and comes back makes no duplicates.
func TestClockStep(t *testing.T) {
	w := open(t, inMemory)
	evolve(t, w, events)
	commit(t, w, landingOf(events, "b1", epoch, event{key: "a"}))
	commit(t, w, landingOf(events, "b2", epoch.Add(48*time.Hour), event{key: "b"}))
	if r := commit(t, w, landingOf(events, "b3", epoch.Add(time.Minute), event{key: "a", delivery: "a2"}, event{key: "b", delivery: "b2"})); r.Rows != 0 {
		t.Errorf("%+v", r)
	}
}

// TestDroppedTable: an upsert table that was dropped has seen nothing.
func TestDroppedTable(t *testing.T) {
	w := open(t, inMemory)
	evolve(t, w, customers)
	l := func(batch string) tidemill.Landing {
		return landingOf(customers, batch, epoch, event{key: "c", id: 1, redelivered: true})
	}
	commit(t, w, l("b1"))
	change(t, w, "DROP TABLE raw.customers")
	evolve(t, w, customers)
	if r := commit(t, w, l("b2")); r.Rows != 1 {
		t.Errorf("%+v", r)
	}
}
