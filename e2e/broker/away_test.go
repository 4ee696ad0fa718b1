package broker

import (
	"strings"
	"testing"
	"time"

	"github.com/tidemill/tidemill/e2e/internal/cli"
)

// TestBrokerGoesAway: one process lives through all that a broker does, with
// both kinds of queues.
func TestBrokerGoesAway(t *testing.T) {
	const events = 15_000
	kinds := []string{"classic", "quorum"}
	var flows []*flow
	var lands []*cli.Process
	for _, kind := range kinds {
		f := start(t, "away-"+kind+"-", kind, events, 400*time.Microsecond)
		flows, lands = append(flows, f), append(lands, f.Start("land"))
	}
	for i, happens := range []struct {
		what string
		do   func() error
	}{
		{"cut", server.CloseConnections}, {"restart", server.Restart}, {"cut", server.CloseConnections}, {"crash", server.Crash},
	} {
		for _, f := range flows { // between any two, some land
			f.waitRows(i * events / 8)
		}
		if err := happens.do(); err != nil {
			t.Fatalf("%s: %v", happens.what, err)
		}
		for i, l := range lands {
			l.MustRun()
			if n := strings.Count(l.Output(), "connected to broker again"); n > 4 {
				t.Errorf("%s: connected %d times after %d losses", kinds[i], n, 4)
			}
		}
	}
	for i, f := range flows {
		f.finish()
		f.waitRows(0)
		if n := strings.Count(lands[i].Output(), "connection to broker lost"); n < 4 {
			t.Errorf("%s: the connection was lost %d times, want 4: %s", kinds[i], n, lands[i].Output())
		}
		f.stop(lands[i])
	}
}
