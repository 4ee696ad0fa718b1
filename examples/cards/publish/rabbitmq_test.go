package main

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/tidemill/tidemill/examples/cards/gen"
	"github.com/tidemill/tidemill/tidetest/rabbitmq"
)

func TestRabbitMQ(t *testing.T) {
	broker := rabbitmq.Start(t, rabbitmq.Options{})
	t.Run("publish", func(t *testing.T) { testPublish(t, broker) })
	t.Run("queue of another kind", func(t *testing.T) { testOtherQueue(t, broker) })
}

// testPublish takes every message out again: each queue holds its events in
// the order of the stream, with their types and without ids.
func testPublish(t *testing.T, broker *rabbitmq.Broker) {
	args := []string{"-events", "5000", "-seed", "9", "-amqp", broker.URL()}
	publish(t, append(args, "-backfill", t.TempDir()), `published`)

	o := gen.Options{Events: 5000, Seed: 9, Duplicates: 0.02, Malformed: 0.002}
	g, err := gen.New(o)
	if err != nil {
		t.Fatal(err)
	}
	channel := connect(t, broker)
	for e := range g.All() {
		m, ok, err := channel.Get(e.Queue, true)
		if err != nil || !ok {
			t.Fatalf("event %d: queue %s is empty (%v)", e.Seq, e.Queue, err)
		}
		if m.Type != e.Type || !bytes.Equal(m.Body, e.Body) || m.MessageId != "" || m.DeliveryMode != amqp.Persistent {
			t.Fatalf("event %d %s: the queue has type %q, id %q, %d bytes", e.Seq, e.Key(), m.Type, m.MessageId, len(m.Body))
		}
	}
	for _, queue := range gen.Queues() {
		if n, err := broker.Depth(queue); n != 0 || err != nil {
			t.Errorf("queue %s holds %d messages more, %v", queue, n, err)
		}
	}
	publish(t, []string{"-amqp", broker.URL(), "-delete"}, "")
	if _, err := channel.QueueDeclarePassive("orders", true, false, false, false, nil); err == nil {
		t.Error("queue orders is there after -delete")
	}
}

// testOtherQueue meets a queue that is not as publish makes it.
func testOtherQueue(t *testing.T, broker *rabbitmq.Broker) {
	if _, err := connect(t, broker).QueueDeclare("orders", false, false, false, false, nil); err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	backfill := filepath.Join(t.TempDir(), "backfill")
	code := run(t.Context(), []string{"-amqp", broker.URL(), "-backfill", backfill}, &stdout, &stderr)
	if code != 1 || !strings.Contains(stderr.String(), "declare queue orders") || !strings.Contains(stderr.String(), "hint: ") {
		t.Errorf("exit code %d: %s%s", code, &stdout, &stderr)
	}
}

func publish(t *testing.T, args []string, says string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	if code := run(t.Context(), args, &stdout, &stderr); code != 0 || !strings.Contains(stdout.String(), says) {
		t.Fatalf("exit code %d: %s%s", code, &stdout, &stderr)
	}
}

func connect(t *testing.T, broker *rabbitmq.Broker) *amqp.Channel {
	t.Helper()
	conn, err := amqp.Dial(broker.URL())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	channel, err := conn.Channel()
	if err != nil {
		t.Fatal(err)
	}
	return channel
}
