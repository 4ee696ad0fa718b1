package amqp

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/tidemill/tidemill"
)

// Peek shows the first messages of each queue in turn, and leaves all where
// they were.
func TestPeek(t *testing.T) {
	for _, kind := range kinds {
		t.Run(kind, func(t *testing.T) {
			a, b := queue(t, shared, kind), queue(t, shared, kind)
			publish(t, shared, a, 0, 100, 10)
			publish(t, shared, b, 100, 102, 10)
			for again := range 2 {
				s := NewSource(connection(shared), Options{Queues: []string{a, b}}, env)
				batch, err := s.Peek(t.Context(), 7)
				if err != nil {
					t.Fatal(err)
				}
				var ids []string
				for _, m := range batch.Messages {
					ids = append(ids, m.ID)
					if m.Redelivered != (again > 0) {
						t.Errorf("look %d: message %s has redelivered %t", again, m.ID, m.Redelivered)
					}
				}
				if got := fmt.Sprint(ids); got != "[0 100 1 101 2 3 4]" {
					t.Errorf("it shows %s", got)
				}
				closeSource(t, s)
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
				if err := shared.WaitDepth(ctx, a, 100); err != nil {
					t.Error(err)
				}
				cancel()
			}
			n := seen{}
			n.upTo(t, open(t, shared, Options{Queues: []string{a, b}}), 102)
		})
	}
}

func TestPeekOfNothing(t *testing.T) {
	s := NewSource(connection(shared), Options{Queues: []string{queue(t, shared, "classic")}}, env)
	if b, err := s.Peek(t.Context(), 5); err != nil || len(b.Messages) != 0 {
		t.Errorf("got %d messages, %v", len(b.Messages), err)
	}
	s = NewSource(connection(shared), Options{Queues: []string{"not there"}, Declare: true}, env)
	if _, err := s.Peek(t.Context(), 5); tidemill.CodeOf(err) != tidemill.NotFound {
		t.Errorf("got %v", err)
	}
	if _, err := shared.Depth("not there"); err == nil {
		t.Error("the look has declared the queue")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Peek(ctx, 5); err == nil {
		t.Error("a cancelled look gave no error")
	}
}
