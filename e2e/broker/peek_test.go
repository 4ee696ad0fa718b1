package broker

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

// TestPeekLeavesTheQueue: what waits is shown decoded, with the reasons of
// what is broken, and then lands as if nobody had looked.
func TestPeekLeavesTheQueue(t *testing.T) {
	const events = 2000
	f := start(t, "peek-", "quorum", events, 0)
	if err := <-f.published; err != nil {
		t.Fatal(err)
	}
	table := f.Must("peek", "events", "--limit", "5")
	if !strings.Contains(table, "peek-cards") || !strings.Contains(table, "peek-orders") || strings.Count(table, "\n") != 6 {
		t.Errorf("peek shows\n%s", table)
	}
	var all []struct {
		Source      string
		Payload     map[string]any
		Code        string
		Reason      string
		Value       []byte
		Redelivered bool
	}
	if err := json.Unmarshal([]byte(f.Must("peek", "events", "--limit", "1000", "--format", "json")), &all); err != nil {
		t.Fatal(err)
	}
	dead, again := 0, 0
	for _, w := range all {
		if (w.Code != "") == (w.Payload != nil) || (w.Code != "") != (w.Reason != "") {
			t.Errorf("it is both decoded and dead, or neither: %+v", w)
		}
		if w.Code != "" {
			dead++
		}
		if w.Redelivered {
			again++
		}
	}
	if len(all) != 1000 || dead == 0 || again < 5 {
		t.Errorf("%d messages are shown, %d of them dead, %d seen before", len(all), dead, again)
	}
	land := f.Start("land", "--once", "--format", "json")
	if r := land.Wait(time.Minute); r.Code != 0 {
		t.Fatal(r.Output())
	}
	f.want.Check(f.Project)
	if got := rows(t, land); got != len(f.want.Rows) {
		t.Errorf("%d rows have landed, want %d", got, len(f.want.Rows))
	}
}
