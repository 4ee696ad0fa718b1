package sqs

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/tidemill/tidemill"
)

// silences is how many receives in a row without an old message end a drain
// whatever the queue's count says.
const silences = 3

// drain knows what is left to read of each queue. A nil drain never ends.
//
// The queue's count is approximate, in both directions: it lags behind by up
// to a minute, and others may take what it counts. So neither the count nor an
// empty receive alone says that all is read. A queue is done when as many as
// were counted have come and a receive brings nothing that was sent before the
// drain began; or, whatever the count, when several receives in a row did so and
// no answer of a receive was lost, whose messages come again only when their
// visibility timeout ends.
type drain struct {
	mu    sync.Mutex
	began time.Time
	left  map[*queue]int
	quiet map[*queue]int // receives in a row without an old message

	// unsure is until when messages may be hidden from all, because the answer
	// that held them was lost.
	unsure map[*queue]time.Time
}

// Drain counts the messages that are ready. The source then ends when it has
// read them. Those that others hold, also a process that was killed, do not
// count: they come when their visibility timeout ends.
func (s *Source) Drain(ctx context.Context) error {
	d := &drain{began: time.Now(), left: map[*queue]int{}, quiet: map[*queue]int{}, unsure: map[*queue]time.Time{}}
	for _, q := range s.queues {
		call, cancel := context.WithTimeout(ctx, callWithin)
		err := q.look(call, s.client)
		cancel()
		if err != nil {
			return err
		}
		n, err := strconv.Atoi(q.attributes[string(types.QueueAttributeNameApproximateNumberOfMessages)])
		if err != nil {
			return &tidemill.Error{Code: tidemill.Unavailable, Op: "count queue " + q.name, Err: fmt.Errorf("the service does not tell: %w", err), Hint: "use --until-idle 2s in place of --once"}
		}
		d.left[q] = n
	}
	s.drain = d
	return nil
}

// received takes a receive into account; holding says that messages of the
// queue were held when it began.
func (d *drain) received(q *queue, messages []types.Message, helper, holding bool) {
	if d == nil {
		return
	}
	old := 0
	for i := range messages {
		if sent(&messages[i]).Before(d.began) {
			old++
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.left[q] -= len(messages)
	switch {
	case old > 0:
		d.quiet[q] = 0
	case helper:
		// It may have been empty because the first receiver took all.
	case q.fifo && holding && d.left[q] > 0:
		// The groups of what is held are locked, so that silence says nothing.
	default:
		d.quiet[q]++
	}
	enough := d.left[q] <= 0 && d.quiet[q] > 0
	silent := d.quiet[q] >= silences && time.Now().After(d.unsure[q])
	if (enough || silent) && !q.done() {
		close(q.ended)
	}
}

// lost notes that the answer of a receive did not come, whose messages are
// hidden until a time.
func (d *drain) lost(q *queue, until time.Time) {
	if d == nil {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.unsure[q] = until
}

// done reports whether a drain has read all of q.
func (q *queue) done() bool {
	select {
	case <-q.ended:
		return true
	default:
		return false
	}
}
