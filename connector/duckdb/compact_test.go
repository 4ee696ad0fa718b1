package duckdb

import (
	"fmt"
	"testing"
	"time"

	"github.com/tidemill/tidemill"
)

// TestCompact: old entries are summed by day, and nothing that is asked of the
// ledger changes: totals, tables, the last messages, batches of these days.
func TestCompact(t *testing.T) {
	w := open(t, inMemory)
	evolve(t, w, events)
	const day = 24 * time.Hour
	now := time.Now().UTC()
	for i := range 40 {
		batch := fmt.Sprintf("b%02d", i)
		l := landingOf(events, batch, epoch, event{key: batch}, event{key: batch}, event{key: batch})
		l.Rows[0].Duplicates = 97
		commit(t, w, l)
		l.Pipeline, l.Rows = "small", nil
		l.Duplicates = 1
		commit(t, w, l)
		at := now.Add(-time.Duration(40-i) * day / 2).Truncate(time.Microsecond)
		change(t, w, "UPDATE tidemill.batches SET committed_at = $1 WHERE batch = $2", at, batch)
		change(t, w, "UPDATE tidemill.duplicates SET removed_at = $1 WHERE batch = $2", at, batch)
	}
	ask := func() string {
		l, err := w.Ledger(t.Context(), "p")
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprint(l.Recent) + query(t, w, `SELECT pipeline, table_name, sum(landed), sum(duplicates), sum(dead),
			count(DISTINCT strftime(committed_at::TIMESTAMP, '%Y-%m-%d')), max(committed_at) FROM tidemill.batches GROUP BY ALL ORDER BY ALL`) +
			query(t, w, "SELECT pipeline, table_name, kind, sum(count) FROM tidemill.duplicates GROUP BY ALL ORDER BY ALL")
	}
	before := ask()
	writer := w.used.(*ownership).writer
	for range 2 {
		if err := writer.compact(t.Context(), now); err != nil {
			t.Fatal(err)
		}
		if after := ask(); after != before {
			t.Errorf("before:\n%safter:\n%s", before, after)
		}
	}
	if got := query(t, w, "SELECT count(DISTINCT batch) FROM tidemill.batches WHERE pipeline = 'p' AND starts_with(batch, 'b')"); got != "14\n" && got != "15\n" {
		t.Errorf("%s batches are left of the days that are kept", got)
	}
	if got := query(t, w, "SELECT count(*) FROM tidemill.batches WHERE pipeline = 'small'"); got != "40\n" {
		t.Errorf("%s entries are left of a pipeline with few messages", got)
	}
	if r := commit(t, w, landingOf(events, "b39", epoch, event{key: "b39"})); !r.Repeated {
		t.Errorf("%+v: a batch of these days is forgotten", r)
	}
	// An old one is not found any more, but what it would land is.
	l := landingOf(events, "b00", epoch, event{key: "b00"})
	l.Since = epoch.Add(-time.Second)
	if r := commit(t, w, l); r != (tidemill.Receipt{Duplicates: 1}) {
		t.Errorf("%+v", r)
	}
}

// TestLedgerOrder: entries follow each other in time also where the clock went
// backwards while no process ran.
func TestLedgerOrder(t *testing.T) {
	path := file(t)
	w := open(t, path)
	commit(t, w, tidemill.Landing{Pipeline: "p", Batch: "first", Duplicates: 600})
	change(t, w, "UPDATE tidemill.batches SET committed_at = committed_at + INTERVAL 1 DAY")
	w.Close()
	w = open(t, path)
	commit(t, w, tidemill.Landing{Pipeline: "p", Batch: "second", Duplicates: 700})
	if l, err := w.Ledger(t.Context(), "p"); err != nil || len(l.Recent) != 2 || l.Recent[0].Duplicates != 700 {
		t.Errorf("%+v, %v", l, err)
	}
}
