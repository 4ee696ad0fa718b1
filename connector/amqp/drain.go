package amqp

import (
	"context"
	"time"

	"github.com/tidemill/tidemill/internal/retry"
)

const (
	// idleFor is the silence after which a drained queue is looked at again.
	idleFor = 300 * time.Millisecond

	// graceFor is how long Drain waits for other consumers to go. A process
	// that was killed just now still counts as a consumer until the broker
	// notices, and only then puts back what it held.
	graceFor = time.Second
)

// drain knows what is left to read of each queue. A nil drain never ends.
type drain struct {
	left     map[string]int
	ended    bool
	timer    *time.Timer
	silences int // looks in a row at which nothing was ready
}

// Drain measures the queues. The source then ends when it has read as many
// messages from each as were ready, or when what is missing is not there any
// more because others took it. What other consumers hold unacknowledged does
// not count; of a process that has just died it is waited for briefly.
func (s *Source) Drain(ctx context.Context) error {
	d := &drain{left: map[string]int{}}
	deadline := time.Now().Add(graceFor)
	for _, queue := range s.opts.Queues {
		for {
			q, err := s.broker.inspect(s.session.conn, queue, s.opts)
			if err != nil {
				return err
			}
			if d.left[queue] = q.Messages; q.Consumers == 0 || time.Now().After(deadline) {
				break
			}
			if err := retry.Sleep(ctx, 50*time.Millisecond); err != nil {
				return err
			}
		}
	}
	s.drain = d
	return nil
}

// restart takes the depths after a connection was lost: what had been read
// and not acknowledged is among them again.
func (d *drain) restart(depths map[string]int) {
	if d != nil {
		d.left, d.silences = depths, 0
	}
}

// took counts n messages of a queue as read.
func (d *drain) took(queue string, n int) {
	if d != nil {
		d.left[queue] -= n
		d.silences = 0
	}
}

// done reports whether all was read.
func (d *drain) done() bool {
	if d == nil {
		return false
	}
	for _, n := range d.left {
		if n > 0 && !d.ended {
			return false
		}
	}
	return true
}

// idle returns a channel that tells of a silence.
func (d *drain) idle() <-chan time.Time {
	if d == nil {
		return nil
	}
	if d.timer == nil {
		d.timer = time.NewTimer(idleFor)
	}
	d.timer.Reset(idleFor)
	return d.timer.C
}

// measureIdle ends the drain where nothing has come for a while and nothing
// is ready in any queue that is not done, twice in a row: a message may be
// on its way to us at the first look.
func (d *drain) measureIdle(s *Source) error {
	for queue, n := range d.left {
		if n <= 0 {
			continue
		}
		q, err := s.broker.inspect(s.session.conn, queue, s.opts)
		if err != nil {
			return err
		}
		if q.Messages > 0 {
			d.silences = 0
			return nil
		}
	}
	d.silences++
	d.ended = d.silences >= 2
	return nil
}
