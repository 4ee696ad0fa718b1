package duckdb

import (
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
