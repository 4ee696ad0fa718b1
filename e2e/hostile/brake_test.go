package hostile

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/e2e/internal/cli"
)

const brakeConfig = `
name: brake
targets:
  dev:
    connections:
      warehouse: {type: duckdb, path: brake.duckdb}
      events: {type: amqp, url: %q}
pipelines:
  good:
    source: {connection: events, queues: [brake-good]}
    decode: {format: protobuf, files: [proto/events.proto]}
    land: {table: raw.good}
  wrong:
    source: {connection: events, queues: [brake-wrong]}
    decode: {format: protobuf, files: [proto/events.proto], message: "header:x-tpye"}
    land: {table: raw.wrong}
    dead: {stop_at: 5%% of 200}
`

func cards(queue string, from, to int) (all []tidemill.Message) {
	for i := range to - from {
		all = append(all, tidemill.Message{
			Source: queue, Type: "CardCatalogCreated", Value: card(fmt.Sprint(from + i)),
			Meta: map[string]string{"header.x-type": "CardCatalogCreated"},
		})
	}
	return all
}

// TestBrake: a typo in the configuration must not drain a queue into the dead
// letters, nor disturb the pipeline beside it.
func TestBrake(t *testing.T) {
	t.Parallel()
	p := cli.New(t, fmt.Sprintf(brakeConfig, broker.URL()))
	publish(t, cards("brake-good", 0, 500)...)
	publish(t, cards("brake-wrong", 0, 500)...)
	land := p.Start("land")
	land.WaitOutput("[braked]")
	for _, text := range []string{"error: land wrong: ", "unknown_type", "x-tpye", "nothing was committed or acknowledged", "hint: mend decode: in tidemill.yml"} {
		if out := land.Output(); !strings.Contains(out, text) {
			t.Errorf("the brake does not say %q:\n%s", text, out)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := broker.WaitDepth(ctx, "brake-wrong", 500); err != nil {
		t.Error(err)
	}

	publish(t, cards("brake-good", 500, 700)...)
	p.Eventually("select count(*) from raw.good", "700")
	land.MustRun()
	land.Interrupt()
	if r := land.Wait(time.Minute); r.Code != 1 || strings.Count(r.Stderr, "error: ") != 1 {
		t.Errorf("exit code %d\n%s", r.Code, r.Output())
	}
	empty(t, "brake-good")
	if n := p.Value("select count(*) from tidemill.dead_letters"); n != "0" {
		t.Errorf("%s dead letters", n)
	}

	p.Replace("tidemill.yml", "x-tpye", "x-type")
	p.Must("land", "--once")
	empty(t, "brake-good", "brake-wrong")
	if got := p.Value("select concat(count(*), ' ', count(distinct payload->>'cardId')) from raw.wrong"); got != "500 500" {
		t.Errorf("rows and cards are %s, want 500 500", got)
	}
}
