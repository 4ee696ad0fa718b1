// Package kill proves the first promise of Tidemill on the real thing: the
// binary is killed at random while messages flow from a real RabbitMQ, which
// is restarted and crashed meanwhile; afterwards each valid event is in the
// table once, and each invalid one in the dead letters once.
package kill

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/tidemill/tidemill/e2e/internal/cli"
	"github.com/tidemill/tidemill/e2e/internal/produce"
	"github.com/tidemill/tidemill/examples/cards/gen"
	"github.com/tidemill/tidemill/tidetest/rabbitmq"
)

const (
	messages = 100_000
	kills    = 22
)

const config = `
name: kill
targets:
  dev:
    connections:
      warehouse: {type: duckdb, path: kill.duckdb}
      events: {type: amqp, url: %q}
pipelines:
  events:
    source: {connection: events, queues: [cards, manufacturing, orders], declare: true}
    decode: {format: protobuf, files: [proto/events.proto]}
    land: {table: raw.events, batch: {rows: 2000, wait: 100ms}}
`

func TestKilledAtRandom(t *testing.T) {
	broker := rabbitmq.Start(t, rabbitmq.Options{})
	p := cli.New(t, fmt.Sprintf(config, broker.URL()))
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()

	want := cli.NewExpected("")
	g, err := gen.New(gen.Options{Events: messages, Seed: 7, Duplicates: 0.02, Malformed: 0.003})
	if err != nil {
		t.Fatal(err)
	}
	pub := &produce.Publisher{URL: broker.URL(), Pace: 300 * time.Microsecond}
	published := make(chan error, 1)
	go func() { published <- pub.Run(ctx, want.Watch(g)) }()

	rnd := rand.New(rand.NewPCG(1, uint64(time.Now().UnixNano())))
	for n := range kills {
		land := p.Start("land")
		time.Sleep(time.Duration(100+rnd.IntN(1800)) * time.Millisecond)
		land.MustRun()
		land.Kill()
		switch n {
		case kills / 3:
			if err := broker.Restart(); err != nil {
				t.Fatal(err)
			}
		case 2 * kills / 3:
			if err := broker.Crash(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := <-published; err != nil {
		t.Fatalf("publish: %v\n%s", err, broker.LogTail(2000))
	}
	out := p.Must("land", "--until-idle", "3s", "--format", "json")
	t.Logf("published %d messages, %d of them again after a broken connection; the last run: %s", messages, pub.Resent, out)

	want.Check(p)
	for _, q := range gen.Queues() {
		if n, err := broker.Depth(q); err != nil || n != 0 {
			t.Errorf("queue %s holds %d messages, want 0 (%v)", q, n, err)
		}
	}
}
