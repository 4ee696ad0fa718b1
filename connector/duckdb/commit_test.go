package duckdb

import (
	"context"
	"testing"
	"time"

	"github.com/tidemill/tidemill"
)

var events = tidemill.Table{
	TableName: tidemill.TableName{Schema: "raw", Name: "events"},
	Write:     tidemill.Append,
	Dedupe:    tidemill.Dedupe{Mode: tidemill.DedupeWindow, Window: time.Hour},
}

func TestCommit(t *testing.T) {
	for name, path := range map[string]string{"file": file(t), "memory": inMemory} {
		t.Run(name, func(t *testing.T) {
			w := open(t, path)
			ctx := t.Context()
			if _, err := w.Evolve(ctx, events, eventSchema()); err != nil {
				t.Fatal(err)
			}
			l := tidemill.Landing{
				Pipeline: "p", Batch: "b1",
				Rows:  []tidemill.TableRows{rows(events, "b1", epoch, event{key: "a", id: 1}, event{key: "b", id: 2}, event{key: "a", id: 3})},
				Dead:  []tidemill.DeadLetter{{Delivery: id("x"), Code: tidemill.Malformed, Reason: "no", Message: tidemill.Message{Source: "q", Value: []byte{0, 1}, Meta: map[string]string{"a": "b"}}}},
				Marks: []tidemill.Mark{{Scope: "f", To: tidemill.Position("10")}},
			}
			want := tidemill.Receipt{Rows: 2, Duplicates: 1, Dead: 1}
			for range 2 {
				r, err := w.Commit(ctx, l)
				if err != nil || r != want {
					t.Fatalf("%+v, %v; want %+v", r, err, want)
				}
				want.Repeated = true
			}
			if got := query(t, w, "SELECT id, payload, _key = $1 FROM raw.events ORDER BY id", id("a")); got != "1 {\"id\":1} true\n2 {\"id\":2} false\n" {
				t.Errorf("rows: %s", got)
			}
			if got := query(t, w, "SELECT code, meta, value, status FROM tidemill.dead_letters"); got != "malformed {\"a\":\"b\"} AAE= dead\n" {
				t.Errorf("letters: %s", got)
			}
			ledger, err := w.Ledger(ctx, "p")
			if err != nil || len(ledger.Marks) != 1 || string(ledger.Marks[0].To) != "10" || len(ledger.Recent) != 1 || ledger.Recent[0] != (tidemill.Receipt{Rows: 2, Duplicates: 1, Dead: 1}) {
				t.Errorf("ledger %+v, %v", ledger, err)
			}
		})
	}
}

// TestUnknownOutcome: COMMIT reports an error and yet has committed. The
// ledger knows.
func TestUnknownOutcome(t *testing.T) {
	var w *Warehouse
	armed := false
	w, err := openWith(t.Context(), Connection{Path: inMemory}, tidemill.Env{}, func(at string) {
		if armed && at == "before-commit" {
			armed = false
			if _, err := w.used.(*ownership).writer.conn.exec(context.Background(), "COMMIT"); err != nil {
				t.Error(err)
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	evolve(t, w, events)
	armed = true
	if r := commit(t, w, landingOf(events, "b1", epoch, event{key: "a"})); r != (tidemill.Receipt{Rows: 1}) {
		t.Errorf("%+v", r)
	}
	if r := commit(t, w, landingOf(events, "b1", epoch, event{key: "a"})); !r.Repeated {
		t.Errorf("%+v", r)
	}
}

// TestCommitAfterClose: who waits for the turn while the owner closes does not
// open the database anew.
func TestCommitAfterClose(t *testing.T) {
	path := file(t)
	w := open(t, path)
	o := w.used.(*ownership)
	<-o.turn
	failed := make(chan error, 2)
	for range 2 {
		go func() {
			_, err := o.owner.ledger(context.Background(), "p")
			failed <- err
		}()
	}
	closed := make(chan struct{})
	go func() {
		w.Close()
		close(closed)
	}()
	within(t, time.Second, "Close waits", func() bool { return len(w.turn) == 0 })
	o.give()
	<-closed
	for range 2 {
		<-failed // whether it came before Close is chance
	}
	if o.instance != nil {
		t.Error("the database is open")
	}
	if _, err := o.owner.ledger(t.Context(), "p"); tidemill.CodeOf(err) != tidemill.Invalid {
		t.Errorf("after Close: %v", err)
	}
}
