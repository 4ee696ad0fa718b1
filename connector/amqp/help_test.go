package amqp

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/internal/redact"
	"github.com/tidemill/tidemill/tidetest/rabbitmq"
)

func connection(b *rabbitmq.Broker) Connection {
	return Connection{URL: redact.New(b.URL()), Management: b.ManagementURL()}
}

// queue returns the name of a new queue that is empty.
func queue(t testing.TB, b *rabbitmq.Broker, kind string) string {
	t.Helper()
	p := publisher(t, b)
	name := fmt.Sprintf("%s-%s-%d", t.Name(), kind, time.Now().UnixNano())
	if err := p.Declare(name, Options{QueueType: kind}); err != nil {
		t.Fatal(err)
	}
	return name
}

func publisher(t testing.TB, b *rabbitmq.Broker) *Publisher {
	t.Helper()
	p, err := NewPublisher(t.Context(), connection(b), env)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() }) // the broker may be gone
	return p
}

// publish sends messages with the ids from..to-1 and a body of size bytes.
func publish(t testing.TB, b *rabbitmq.Broker, queue string, from, to, size int) {
	t.Helper()
	p := publisher(t, b)
	body := make([]byte, size)
	for i := from; i < to; i++ {
		if err := p.Publish(t.Context(), tidemill.Message{Source: queue, ID: fmt.Sprint(i), Type: "T", Value: body}); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
}

// open returns an open source, which the test closes at its end.
func open(t testing.TB, b *rabbitmq.Broker, opts Options) *Source {
	t.Helper()
	s := NewSource(connection(b), opts, env)
	if err := s.Open(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeSource(t, s) })
	return s
}

func closeSource(t testing.TB, s *Source) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func read(t testing.TB, s *Source) tidemill.Batch {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	b, err := s.Read(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func ack(t testing.TB, s *Source, tok any) {
	t.Helper()
	if err := s.Ack(t.Context(), tok); err != nil {
		t.Fatal(err)
	}
}
