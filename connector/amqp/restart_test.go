package amqp

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/internal/redact"
	"github.com/tidemill/tidemill/tidetest/rabbitmq"
)

// The broker restarts in good order and crashes while a source reads: every
// message is acknowledged in the end, and what came twice came with its flag.
func TestBrokerRestarts(t *testing.T) {
	b := rabbitmq.Start(t, rabbitmq.Options{})
	const each = 2000
	var queues []string
	for _, kind := range kinds {
		q := queue(t, b, kind)
		publish(t, b, q, 0, each, 50)
		queues = append(queues, q)
	}
	s := open(t, b, Options{Queues: queues, Prefetch: 100})
	n := seen{}
	take := func() any {
		batch := read(t, s)
		for _, m := range batch.Messages {
			key := m.Source + "/" + m.ID
			if n[key]++; n[key] > 1 && !m.Redelivered {
				t.Errorf("%s came again without its flag", key)
			}
		}
		return batch.Token
	}
	for _, step := range []struct {
		at    int
		again func() error
	}{{each / 2, b.Restart}, {each, b.Crash}, {2 * each, nil}} {
		for len(n) < step.at {
			ack(t, s, take())
		}
		if step.again == nil {
			continue
		}
		held := take()
		done := make(chan error, 1)
		go func() { done <- step.again() }()
		next := take() // connects again
		ack(t, s, held)
		ack(t, s, next)
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	for _, q := range queues {
		for i := range each {
			if n[fmt.Sprintf("%s/%d", q, i)] == 0 {
				t.Fatalf("%s/%d never came", q, i)
			}
		}
	}
}

func TestReadEndsWithContextWhileBrokerIsDown(t *testing.T) {
	b := rabbitmq.Start(t, rabbitmq.Options{})
	q := queue(t, b, "classic")
	s := open(t, b, Options{Queues: []string{q}})
	b.Kill()
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	start := time.Now()
	if _, err := s.Read(ctx); err == nil || ctx.Err() == nil {
		t.Errorf("got %v", err)
	}
	if d := time.Since(start); d > 5*time.Second {
		t.Errorf("it ended after %s", d)
	}
}

// TestWaitForBroker: who starts before the broker is told what it waits for.
func TestWaitForBroker(t *testing.T) {
	var log bytes.Buffer
	conn := Connection{URL: redact.New("amqp://guest:guest@127.0.0.1:1/")}
	s := NewSource(conn, Options{Queues: []string{"q"}}, tidemill.Env{Log: slog.New(slog.NewTextHandler(&log, nil))})
	defer s.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 2500*time.Millisecond)
	defer cancel()
	if err := s.Open(ctx, nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("%v, want it to try until the time is up", err)
	}
	if n := strings.Count(log.String(), "trying again"); n != 1 || !strings.Contains(log.String(), "connection refused") {
		t.Errorf("the log tells %d times: %s", n, log.String())
	}
}
