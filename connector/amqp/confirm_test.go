package amqp

import (
	"testing"
	"time"
)

// The connection is lost while nobody reads. What was taken ahead on it goes
// back to the queue, perhaps to another reader: it is not handed out as new.
// Which of the two comes first is chance, so it is tried more than once.
func TestNothingOfALostConnection(t *testing.T) {
	for i := range 8 {
		q := queue(t, shared, "classic")
		publish(t, shared, q, 0, 2000, 50)
		s := open(t, shared, Options{Queues: []string{q}, Prefetch: 2000})
		read(t, s)
		pause := 50 * time.Millisecond
		if i == 0 {
			pause = unwatched + 100*time.Millisecond
		}
		time.Sleep(pause)
		if err := s.session.conn.Close(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(20 * time.Millisecond)
		if m := read(t, s).Messages[0]; !m.Redelivered {
			t.Fatalf("after %v %s of a lost connection was handed out as new", pause, m.ID)
		}
	}
}

// After a pause the broker is asked, and a live connection goes on.
func TestReadAfterAPause(t *testing.T) {
	q := queue(t, shared, "classic")
	publish(t, shared, q, 0, 2000, 50)
	s := open(t, shared, Options{Queues: []string{q}, Prefetch: 2000})
	n := len(read(t, s).Messages)
	time.Sleep(unwatched + 100*time.Millisecond)
	for n < 2000 {
		for _, m := range read(t, s).Messages {
			if n++; m.Redelivered {
				t.Fatal("the source connected again")
			}
		}
	}
}
