package broker

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tidemill/tidemill/e2e/internal/cli"
)

// TestCompete: processes land the same queues in the same database file. The
// first owns the file, the others commit through it; each is killed in turn,
// and another takes over.
func TestCompete(t *testing.T) {
	const events = 40_000
	f := start(t, "compete-", "quorum", events, 200*time.Microsecond)
	owner := f.Start("land")
	f.waitRows(0)
	client := f.Start("land")
	f.waitRows(events / 8)
	client.MustRun()
	client.Kill()

	heir := f.Start("land", "--format", "json")
	f.waitRows(events / 3)
	before, err := strconv.Atoi(f.Value("select count(*) from raw.events"))
	if err != nil {
		t.Fatal(err)
	}
	owner.MustRun()
	owner.Kill()
	f.waitRows(before + 1000) // somebody has taken over
	late := f.Start("land", "--format", "json")
	f.finish()
	f.stop(heir, late)

	var total int
	for _, l := range []*cli.Process{heir, late} {
		total += rows(t, l)
	}
	// What they have landed is more than what was missing when the owner died:
	// they landed through it while it lived.
	if missing := len(f.want.Rows) - before; rows(t, heir) == 0 || total <= missing {
		t.Errorf("the processes left landed %d rows, %d were missing", total, missing)
	}
}

// rows returns how many a process says that it has landed.
func rows(t *testing.T, l *cli.Process) int {
	t.Helper()
	for line := range strings.Lines(l.Output()) {
		var f struct{ Rows *int }
		if json.Unmarshal([]byte(line), &f) == nil && f.Rows != nil {
			return *f.Rows
		}
	}
	t.Fatalf("no figures in %s", l.Output())
	return 0
}

// TestProducerSendsAgain: the same events in another run, within the window
// and after it.
func TestProducerSendsAgain(t *testing.T) {
	const events = 2000
	var f *flow
	for n := range 3 {
		again := start(t, "again-", "classic", events, 0)
		if f == nil {
			f = again
		}
		if err := <-again.published; err != nil {
			t.Fatal(err)
		}
		if n == 2 { // the rows grow older than the window
			f.Replace("tidemill.yml", "land: {", "land: {window: 1s, ")
			time.Sleep(1500 * time.Millisecond)
		}
		out := f.Start("land", "--once", "--format", "json")
		if r := out.Wait(time.Minute); r.Code != 0 {
			t.Fatal(r.Output())
		}
		want := []int{len(f.want.Rows), 0, len(f.want.Rows)}[n]
		if got := rows(t, out); got != want {
			t.Errorf("run %d landed %d rows, want %d", n, got, want)
		}
	}
	if got := f.Value("select count(*) from raw.events"); got != fmt.Sprint(2*len(f.want.Rows)) {
		t.Errorf("%s rows, want %d", got, 2*len(f.want.Rows))
	}
}
