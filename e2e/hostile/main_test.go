// Package hostile publishes what must not be published: messages that are
// broken in every way, among good ones. The good ones land, the others are
// kept as dead letters, which land once when their cause is mended; and where
// there are too many, the brake stops their pipeline alone.
package hostile

import (
	"fmt"
	"log/slog"
	"os"
	"testing"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/connector/amqp"
	"github.com/tidemill/tidemill/internal/redact"
	"github.com/tidemill/tidemill/tidetest/rabbitmq"
)

// broker is shared: each test has queues of its own.
var broker *rabbitmq.Broker

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	var err error
	if broker, err = rabbitmq.Run(rabbitmq.Options{}); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	code := m.Run()
	if err := broker.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

// publish declares the queues of messages and returns when the broker has
// them.
func publish(t *testing.T, messages ...tidemill.Message) {
	t.Helper()
	p, err := amqp.NewPublisher(t.Context(), amqp.Connection{URL: redact.New(broker.URL())}, tidemill.Env{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	declared := map[string]bool{}
	for _, m := range messages {
		if !declared[m.Source] {
			declared[m.Source] = true
			if err := p.Declare(m.Source, amqp.Options{}); err != nil {
				t.Fatal(err)
			}
		}
		if err := p.Publish(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// empty fails the test where a queue holds something.
func empty(t *testing.T, queues ...string) {
	t.Helper()
	for _, q := range queues {
		if n, err := broker.Depth(q); n != 0 || err != nil {
			t.Errorf("queue %s holds %d messages, %v", q, n, err)
		}
	}
}
