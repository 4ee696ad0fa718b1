package amqp

import (
	"testing"

	"github.com/tidemill/tidemill"
)

func TestPace(t *testing.T) {
	settle := func(again int, size int64, bytes int64, busy int) int {
		p := newPace(0, 1000, bytes)
		for range 20 {
			p.saw(256, again, 256*size)
			p.prefetch = p.next(p.prefetch, busy)
		}
		return p.prefetch
	}
	for _, c := range []struct {
		name     string
		again    int
		size     int64
		bytes    int64
		busy     int
		from, to int
	}{
		{"new messages stop at rows", 0, 300, 16 << 20, 1, 1300, 2000},
		{"a few redelivered do too", 100, 300, 16 << 20, 1, 1300, 2000},
		{"redelivered go on to the protocol's limit", 256, 300, 16 << 20, 1, 43_000, maxPrefetch},
		{"redelivered stop at bytes", 256, 10_000, 16 << 20, 1, 2200, 3400},
		{"empty bodies are not without weight", 256, 1, 1 << 20, 1, 5400, 8192},
		{"consumers share", 256, 300, 16 << 20, 4, 10_000, 16_384},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := settle(c.again, c.size, c.bytes, c.busy); got < c.from || got > c.to {
				t.Errorf("prefetch is %d, want %d to %d", got, c.from, c.to)
			}
		})
	}
}

// After a crash the redelivered come in one piece, far over two batches of
// rows; new messages after them do not.
func TestPrefetchOfRedelivered(t *testing.T) {
	for _, kind := range kinds {
		t.Run(kind, func(t *testing.T) {
			q := queue(t, shared, kind)
			publish(t, shared, q, 0, 6000, 100)
			s := open(t, shared, Options{Queues: []string{q}, Prefetch: maxPrefetch})
			for n := (seen{}); len(n) < 6000; {
				n.add(read(t, s))
			}
			closeSource(t, s)

			s = NewSource(connection(shared), Options{Queues: []string{q}}, env)
			s.SetBatch(200, 4<<20)
			if err := s.Open(t.Context(), nil); err != nil {
				t.Fatal(err)
			}
			defer closeSource(t, s)
			n := seen{}
			var last tidemill.Batch
			for len(n) < 5000 { // 400 are two batches
				last = read(t, s)
				n.add(last)
			}
			ack(t, s, last.Token)
			n.upTo(t, s, 6000)
			for from := 6000; from < 9000; from += 1000 {
				publish(t, shared, q, from, from+1000, 100)
				n.upTo(t, s, from+1000)
			}
			c := s.session.consumers[0]
			closeSource(t, s)
			if got := c.pace.prefetch; got > 2*400 {
				t.Errorf("prefetch is %d for new messages and batches of 200", got)
			}
		})
	}
}
