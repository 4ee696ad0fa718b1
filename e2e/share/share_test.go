// Package share uses one database from several processes: while land runs,
// the other commands work; and land ends in good order, or at once, as it is
// asked to.
package share

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tidemill/tidemill/e2e/internal/cli"
	"github.com/tidemill/tidemill/e2e/internal/produce"
	"github.com/tidemill/tidemill/examples/cards/gen"
	"github.com/tidemill/tidemill/tidetest/rabbitmq"
)

var options = gen.Options{Events: 20_000, Seed: 5, Duplicates: 0.02, Malformed: 0.004}

// TestWhileLanding runs every command that needs the warehouse while land owns
// it, and then ends land by the second of two interrupts.
func TestWhileLanding(t *testing.T) {
	broker := rabbitmq.Start(t, rabbitmq.Options{})
	p := cli.Cards(t)
	p.Flags, p.Env = []string{"--target", "rabbitmq"}, []string{"AMQP_URL=" + broker.URL()}
	p.Replace("tidemill.yml", "wait: 1s}", "wait: 200ms}")
	if _, err := gen.WriteBackfill(t.Context(), p.Dir+"/backfill", options); err != nil {
		t.Fatal(err)
	}
	want := cli.NewExpected("")
	g, err := gen.New(options)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	pub := &produce.Publisher{URL: broker.URL(), Pace: 500 * time.Microsecond}
	next := want.Watch(g)
	first := 4000 // lands before the others come
	if err := pub.Run(ctx, func() (gen.Event, bool) {
		if first--; first < 0 {
			return gen.Event{}, false
		}
		return next()
	}); err != nil {
		t.Fatal(err)
	}
	land := p.Start("land")
	p.Eventually("select count(*) from raw.events", strconv.Itoa(len(want.Rows)))

	published := make(chan error, 1)
	go func() { published <- pub.Run(ctx, next) }()
	p.Must("build")
	if n := p.Value("select count(*) from marts.fct_orders"); n == "0" {
		t.Error("build, beside land, has made an empty mart")
	}
	retired(t, p)
	if select1 := p.Must("query", "--format", "json", "select 1 as one"); !strings.Contains(select1, `"one"`) {
		t.Errorf("query: %s", select1)
	}
	land.MustRun()

	// The first interrupt ends it in good order, also while messages come.
	land.Interrupt()
	if r := land.Wait(time.Minute); r.Code != 0 || !strings.Contains(r.Stderr, "interrupt again to stop at once") {
		t.Errorf("exit code %d\n%s", r.Code, r.Output())
	}
	// The second one ends it at once.
	for range 3 {
		land = p.Start("land")
		time.Sleep(400 * time.Millisecond)
		land.Interrupt()
		land.WaitOutput("interrupt again to stop at once")
		time.Sleep(300 * time.Millisecond) // sooner it counts as the same interrupt
		land.InterruptAgain()
		land.Wait(10 * time.Second)
	}
	if err := <-published; err != nil {
		t.Fatal(err)
	}
	p.Must("land", "--until-idle", "1s")
	check(t, p, want)
}

// retired mends the schema of one type of dead letters and replays them.
func retired(t *testing.T, p *cli.Project) {
	t.Helper()
	var l struct {
		Delivery string
		Type     string
	}
	list := p.Must("dead", "list", "--code", "unknown_type", "--limit", "1", "--format", "json")
	if err := json.Unmarshal([]byte(list), &l); err != nil {
		t.Fatalf("dead list: %v in %q", err, list)
	}
	p.Replace("proto/events.proto", "enum Rarity {", fmt.Sprintf("message %s {}\n\nenum Rarity {", l.Type))
	for _, want := range []string{`"rows":1,`, `"rows":0,`} {
		if out := p.Must("dead", "replay", "--pipeline", "events", "--format", "json", l.Delivery); !strings.Contains(out, want) {
			t.Errorf("dead replay printed %s, want %s", out, want)
		}
	}
}

// check compares what is there with what was published: what a replay has
// landed is a row beside its settled letter.
func check(t *testing.T, p *cli.Project, want cli.Expected) {
	t.Helper()
	cli.Compare(t, "rows", want.Rows, p.Counts(`
		select type || ' ' || coalesce(payload->>'orderId', payload->>'batchId', payload->>'cardId') as key, count(*)
		from raw.events where type not in ('CardRetired', 'OrderRefunded', 'MachineStopped') group by all`))
	if n := p.Value("select count(distinct _delivery) - count(*) from raw.events"); n != "0" {
		t.Errorf("rows are there twice: %s", n)
	}
	// Each invalid event is a letter, or a row where it came, or was replayed,
	// after its type was made known.
	if n := p.Value(`
		select (select count(*) from tidemill.dead_letters where status = 'dead') +
			(select count(*) from raw.events where type in ('CardRetired', 'OrderRefunded', 'MachineStopped'))`); n != strconv.Itoa(len(want.Dead)) {
		t.Errorf("%s invalid events are there, want %d", n, len(want.Dead))
	}
	if n := p.Value("select count(*) from tidemill.dead_letters where status = 'landed'"); n != "1" {
		t.Errorf("%s dead letters have landed, want the one that was replayed", n)
	}
}
