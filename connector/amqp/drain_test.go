package amqp

import (
	"errors"
	"io"
	"testing"
	"time"
)

func TestDrain(t *testing.T) {
	for _, kind := range kinds {
		t.Run(kind, func(t *testing.T) {
			q, none := queue(t, shared, kind), queue(t, shared, kind)
			publish(t, shared, q, 0, 500, 10)
			s := open(t, shared, Options{Queues: []string{q, none}, Prefetch: 100})
			if err := s.Drain(t.Context()); err != nil {
				t.Fatal(err)
			}
			publish(t, shared, q, 500, 520, 10)
			n := seen{}
			for {
				b, err := s.Read(t.Context())
				if errors.Is(err, io.EOF) {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				n.add(b)
				ack(t, s, b.Token)
			}
			if len(n) < 500 {
				t.Errorf("it ended after %d of 500", len(n))
			}
		})
	}
}

func TestDrainOfWhatOthersTook(t *testing.T) {
	q := queue(t, shared, "classic")
	publish(t, shared, q, 0, 100, 10)
	s := open(t, shared, Options{Queues: []string{q}})
	if err := s.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	other := open(t, shared, Options{Queues: []string{q}})
	n := seen{}
	n.upTo(t, other, 100)
	if b, err := s.Read(t.Context()); !errors.Is(err, io.EOF) {
		t.Errorf("got %d messages, %v", len(b.Messages), err)
	}
}

// A source that has just died held messages; draining waits for them.
func TestDrainAfterCrash(t *testing.T) {
	q := queue(t, shared, "quorum")
	publish(t, shared, q, 0, 60, 10)
	dying := open(t, shared, Options{Queues: []string{q}})
	n := seen{}
	for len(n) < 60 {
		n.add(read(t, dying))
	}
	s := open(t, shared, Options{Queues: []string{q}})
	go func() {
		time.Sleep(200 * time.Millisecond)
		_ = dying.Close()
	}()
	if err := s.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	if s.drain.left[q] != 60 {
		t.Errorf("it sees %d of 60", s.drain.left[q])
	}
}

// The connection is lost while draining: what had been read and was not
// acknowledged is read again before the source ends.
func TestDrainOverLostConnection(t *testing.T) {
	q := queue(t, shared, "classic")
	publish(t, shared, q, 0, 200, 10)
	s := open(t, shared, Options{Queues: []string{q}, Prefetch: 100})
	if err := s.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	n := seen{}
	for len(n) < 100 {
		n.add(read(t, s))
	}
	if err := shared.CloseConnections(); err != nil {
		t.Fatal(err)
	}
	acked := seen{}
	for {
		b, err := s.Read(t.Context())
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		acked.add(b)
		ack(t, s, b.Token)
	}
	if len(acked) != 200 {
		t.Errorf("it ended after %d of 200", len(acked))
	}
}
