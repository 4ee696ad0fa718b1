package sqs

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/google/uuid"

	"github.com/tidemill/tidemill/internal/retry"
)

const (
	// waitQuiet is how long a receive waits for a message, the longest that
	// the service knows: a quiet queue costs three calls a minute.
	waitQuiet = 20 * time.Second

	// waitBusy is the wait of helpers, which go to sleep after it, and of a
	// drain. It is not zero: such a receive asks some of the service's
	// machines only, and its emptiness says nothing.
	waitBusy = time.Second
)

// receiver receives from one queue, one call at a time.
type receiver struct {
	*Source
	q       *queue
	helper  bool   // it receives only while the queue is busy
	attempt string // id of a receive of a FIFO queue whose answer has not come
}

// receive receives until the source is closed or has drained the queue.
func (s *Source) receive(q *queue, helper bool) {
	r := &receiver{Source: s, q: q, helper: helper}
	wait := retry.Policy{Cap: 10 * time.Second}.Backoff()
	asleep := helper
	for {
		if asleep {
			select {
			case <-q.wake:
			case <-q.ended:
			case <-s.ctx.Done():
			}
		}
		if s.ctx.Err() != nil || q.done() {
			return
		}
		n, err := r.once()
		switch {
		case s.ctx.Err() != nil:
			return
		case err != nil:
			if s.trouble(q, err) {
				return
			}
			if retry.Sleep(s.ctx, wait.Next()) != nil {
				return
			}
			continue
		}
		wait.Reset()
		s.well(q)
		asleep = helper && n == 0
	}
}

// once makes one receive, hands over what it brought, and returns how many
// messages that were.
func (r *receiver) once() (int, error) {
	if err := r.hand.room(r.ctx, r.helper); err != nil {
		return 0, err
	}
	holding := r.drain != nil && r.hand.holds(r.q)
	messages, err := r.call()
	at := time.Now()
	all := make([]*held, 0, len(messages))
	for i := range messages {
		all = append(all, r.opts.hold(r.q, &messages[i], at))
	}
	fresh := r.hand.arrived(all, r.helper)
	if err != nil {
		r.drain.lost(r.q, at.Add(r.opts.Visibility))
		return 0, err
	}
	if len(fresh) > 0 {
		select {
		case r.out <- fresh:
		case <-r.ctx.Done():
			return 0, r.ctx.Err()
		}
	}
	if len(messages) > 0 {
		r.rouse()
	}
	r.drain.received(r.q, messages, r.helper, holding)
	return len(messages), nil
}

// rouse wakes a helper: the queue is busy.
func (r *receiver) rouse() {
	select {
	case r.q.wake <- struct{}{}:
	default: // all are awake
	}
}

func (r *receiver) call() ([]types.Message, error) {
	wait := waitQuiet
	if r.helper || r.drain != nil {
		wait = waitBusy
	}
	in := sdk.ReceiveMessageInput{
		QueueUrl: aws.String(r.q.url), MaxNumberOfMessages: perCall,
		WaitTimeSeconds: int32(wait / time.Second), VisibilityTimeout: int32(r.opts.Visibility / time.Second),
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameAll},
		MessageAttributeNames:       []string{"All"},
	}
	if r.q.fifo {
		if r.attempt == "" {
			r.attempt = uuid.NewString()
		}
		in.ReceiveRequestAttemptId = aws.String(r.attempt)
	}
	ctx, cancel := context.WithTimeout(r.calls, wait+callWithin)
	defer cancel()
	out, err := r.client.ReceiveMessage(ctx, &in)
	if err != nil {
		return nil, r.q.explain("receive from", "sqs:ReceiveMessage", err)
	}
	r.attempt = ""
	return out.Messages, nil
}
