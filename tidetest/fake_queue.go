package tidetest

import (
	"context"
	"io"
	"slices"
	"sync"

	"github.com/tidemill/tidemill"
)

// FakeQueue is the broker's side of an acknowledged source. It outlives the
// sources that read it: what one of them did not ack is delivered again, in
// front and marked as redelivered, when another opens or the connection
// breaks. Sources may be open at the same time and then compete.
type FakeQueue struct {
	// ReadSize is the most messages that one Read returns, and Prefetch the
	// most that may be unacknowledged; 0 is 100 and no limit.
	ReadSize, Prefetch int

	// OnAck, if set, hears of the messages of each ack that is in force.
	OnAck func([]tidemill.Message)

	mu      sync.Mutex
	changed chan struct{} // closed and replaced when there may be something to read
	seq     int
	ready   []delivery
	unacked []delivery
}

type delivery struct {
	tidemill.Message
	seq    int
	source *QueueSource
	read   int // number of the Read that took it
}

// Publish appends messages.
func (q *FakeQueue) Publish(messages ...tidemill.Message) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, m := range messages {
		q.seq++
		q.ready = append(q.ready, delivery{Message: m, seq: q.seq})
	}
	q.wake()
}

// Left returns how many messages are not acknowledged.
func (q *FakeQueue) Left() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.ready) + len(q.unacked)
}

// Unacked returns how many messages readers have and did not acknowledge.
func (q *FakeQueue) Unacked() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.unacked)
}

// Break cuts the connections of all sources, which come back by themselves:
// tokens given out before are void, and what was not acked is redelivered,
// though its first commit may still be under way.
func (q *FakeQueue) Break() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.requeue(func(delivery) bool { return true })
}

func (q *FakeQueue) wake() {
	if q.changed != nil {
		close(q.changed)
	}
	q.changed = make(chan struct{})
}

// requeue puts the deliveries of which holds in front of what is ready.
func (q *FakeQueue) requeue(of func(delivery) bool) {
	var back, stay []delivery
	for _, d := range q.unacked {
		if !of(d) {
			stay = append(stay, d)
			continue
		}
		d.source.generation++
		d.Redelivered = true
		back = append(back, d)
	}
	q.ready, q.unacked = append(back, q.ready...), stay
	slices.SortStableFunc(q.ready, func(a, b delivery) int { return a.seq - b.seq })
	q.wake()
}

// QueueSource is one connection to a FakeQueue.
type QueueSource struct {
	q          *FakeQueue
	generation int
	reads      int
	drains     bool
	last       int // of a source that drains: no message after this one is read
}

var (
	_ tidemill.Source  = (*QueueSource)(nil)
	_ tidemill.Drainer = (*QueueSource)(nil)
)

type queueToken struct{ generation, read int }

// Source returns a new connection.
func (q *FakeQueue) Source() *QueueSource { return &QueueSource{q: q} }

// Crash ends the connection as the death of its process does.
func (s *QueueSource) Crash() {
	s.q.mu.Lock()
	defer s.q.mu.Unlock()
	s.q.requeue(func(d delivery) bool { return d.source == s })
}

// Open connects; the marks are of no use to a queue.
func (s *QueueSource) Open(context.Context, []tidemill.Mark) error { return nil }

// Drain ends the source at what the queue holds now.
func (s *QueueSource) Drain(context.Context) error {
	s.q.mu.Lock()
	defer s.q.mu.Unlock()
	s.drains, s.last = true, s.q.seq
	return nil
}

// Read waits for messages and returns up to ReadSize of them.
func (s *QueueSource) Read(ctx context.Context) (tidemill.Batch, error) {
	for {
		s.q.mu.Lock()
		if s.q.changed == nil {
			s.q.changed = make(chan struct{})
		}
		changed := s.q.changed
		b, ended := s.take()
		s.q.mu.Unlock()
		switch {
		case len(b.Messages) > 0:
			return b, nil
		case ended:
			return tidemill.Batch{}, io.EOF
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return tidemill.Batch{}, ctx.Err()
		}
	}
}

// take moves what may be read to the unacknowledged. It says whether a
// drained source has come to its end: what it read and did not ack yet may
// still come again, but then it is for the next one.
func (s *QueueSource) take() (b tidemill.Batch, ended bool) {
	q := s.q
	mine := 0
	for _, d := range q.unacked {
		if d.source == s {
			mine++
		}
	}
	size := q.ReadSize
	if size <= 0 {
		size = 100
	}
	if q.Prefetch > 0 {
		size = min(size, q.Prefetch-mine)
	}
	s.reads++
	n := 0
	for n < min(size, len(q.ready)) && (!s.drains || q.ready[n].seq <= s.last) {
		d := q.ready[n]
		d.source, d.read = s, s.reads
		b.Messages = append(b.Messages, d.Message)
		q.unacked = append(q.unacked, d)
		n++
	}
	q.ready = q.ready[n:]
	b.Token = queueToken{s.generation, s.reads}
	return b, n == 0 && s.drains && (len(q.ready) == 0 || q.ready[0].seq > s.last)
}

// Ack removes the messages of a read, unless the connection broke since.
func (s *QueueSource) Ack(ctx context.Context, token any) error {
	t := token.(queueToken)
	q := s.q
	q.mu.Lock()
	defer q.mu.Unlock()
	if err := ctx.Err(); err != nil || t.generation != s.generation {
		return err
	}
	var acked []tidemill.Message
	var stay []delivery
	for _, d := range q.unacked {
		if d.source == s && d.read == t.read {
			acked = append(acked, d.Message)
		} else {
			stay = append(stay, d)
		}
	}
	q.unacked = stay
	if q.OnAck != nil {
		q.OnAck(acked)
	}
	q.wake()
	return nil
}

// Close gives back what was not acknowledged.
func (s *QueueSource) Close() error {
	s.Crash()
	return nil
}
