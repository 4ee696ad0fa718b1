package share

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tidemill/tidemill/e2e/internal/cli"
)

// follows is a project that reads a folder without end. Batches are small, so
// that two processes get in each other's way.
const follows = `
name: fenced
targets:
  dev:
    connections:
      warehouse: {type: duckdb, path: fenced.duckdb}
      events: {type: file, path: events/}
pipelines:
  events:
    source: {connection: events, follow: %t}
    land: {table: raw.events, dedupe: "off", batch: {rows: 500, wait: 50ms}}
`

// lines are numbered events.
func lines(from, to int) string {
	var b strings.Builder
	for n := from; n < to; n++ {
		fmt.Fprintf(&b, "{\"n\": %d}\n", n)
	}
	return b.String()
}

// once fails unless each of n events has landed, in one row.
func once(t *testing.T, p *cli.Project, n int) {
	t.Helper()
	got := p.Query("select count(*), count(distinct payload->>'n'), count(distinct _delivery) from raw.events")[0]
	if want := strconv.Itoa(n); got[0] != want || got[1] != want {
		t.Errorf("%s rows of %s events, want %s of each", got[0], got[1], want)
	}
}

// TestTwoLandOneFolder: two processes start at the same time to land the same
// files, which no broker divides between them. The position lets one of them
// go on; the other ends with an error that says so, or finds nothing to do.
func TestTwoLandOneFolder(t *testing.T) {
	const events = 40_000
	fenced := 0
	for round := range 2 {
		p := cli.New(t, fmt.Sprintf(follows, false))
		p.Write("events/q/A.ndjson", lines(0, events/2))
		p.Write("events/q/B.ndjson", lines(events/2, events))
		one, two := p.Start("land", "--once"), p.Start("land", "--once")
		ended := 0
		for _, l := range []*cli.Process{one, two} {
			r := l.Wait(time.Minute)
			if r.Code == 0 {
				ended++
				continue
			}
			fenced++
			explained(t, r)
		}
		if ended == 0 {
			t.Errorf("round %d: both processes failed\n%s\n%s", round, one.Output(), two.Output())
		}
		once(t, p, events)
	}
	t.Logf("%d of 4 processes were fenced", fenced)
}

// TestSecondFollowerIsFenced: of two processes that follow one folder the
// first to commit goes on, and takes all that comes.
func TestSecondFollowerIsFenced(t *testing.T) {
	p := cli.New(t, fmt.Sprintf(follows, true))
	p.Write("events/q/A.ndjson", lines(0, 100))
	first := p.Start("land")
	p.Eventually("select count(*) from raw.events", "100")
	second := p.Start("land")
	n := 100
	deadline := time.Now().Add(time.Minute)
	for !first.Ended() && !second.Ended() { // the second takes a while to start
		if time.Now().After(deadline) {
			t.Fatal("both followers go on")
		}
		p.Write(fmt.Sprintf("events/q/B%d.ndjson", n), lines(n, n+1000))
		n += 1000
		time.Sleep(200 * time.Millisecond)
	}
	winner, loser := first, second
	if first.Ended() {
		winner, loser = second, first
	}
	explained(t, loser.Wait(time.Second))
	p.Write("events/q/C.ndjson", lines(n, n+1000))
	n += 1000
	p.Eventually("select count(*) from raw.events", strconv.Itoa(n))
	winner.Interrupt()
	if r := winner.Wait(time.Minute); r.Code != 0 {
		t.Errorf("the one that went on ended with %d\n%s", r.Code, r.Output())
	}
	once(t, p, n)
}

// explained fails unless the loser says why it lost, and what to do.
func explained(t *testing.T, r cli.Result) {
	t.Helper()
	for _, want := range []string{"another process has moved the position of", "[fenced]", "hint: let one process land this pipeline at a time"} {
		if r.Code != 1 || !strings.Contains(r.Stderr, want) {
			t.Errorf("exit code %d without %q\n%s", r.Code, want, r.Output())
		}
	}
}
