package sqs

import (
	"context"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"golang.org/x/sync/errgroup"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/internal/retry"
)

// releaseWithin bounds what a service that is gone may take of Close.
const releaseWithin = 5 * time.Second

// Ack deletes the messages of a token. It returns when they are gone, or after
// half a minute; what could not be deleted is told once, and comes again.
// Messages whose visibility has ended are dropped without error.
func (s *Source) Ack(ctx context.Context, tok any) error {
	t, ok := tok.(*token)
	if !ok || t.of != s {
		return nil
	}
	defer s.hand.gone(t.held)
	var left, expired atomic.Int64
	var last atomic.Value
	s.each(t.held, s.opts.Receivers, func(q *queue, part []*held) {
		kept, old, err := s.delete(ctx, q, part)
		expired.Add(int64(old))
		if left.Add(int64(kept)); err != nil {
			last.Store(err)
		}
	})
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if n := expired.Load(); n > 0 {
		s.log.Debug("handles had expired; the messages will come again", "messages", n)
	}
	err, _ := last.Load().(error)
	if err == nil {
		return nil
	}
	s.log.Warn("committed messages could not be deleted; they will come again", "messages", left.Load(), "err", err)
	if tidemill.CodeOf(err) == tidemill.Denied {
		s.fail(err) // or the queue would come again and again
	}
	return nil
}

// each calls f for every ten messages of a queue, some at the same time.
func (s *Source) each(all []*held, calls int, f func(*queue, []*held)) {
	byQueue := map[*queue][]*held{}
	for _, m := range all {
		byQueue[m.queue] = append(byQueue[m.queue], m)
	}
	var g errgroup.Group
	g.SetLimit(calls)
	for q, list := range byQueue {
		for len(list) > 0 {
			part := list[:min(perCall, len(list))]
			list = list[len(part):]
			g.Go(func() error {
				f(q, part)
				return nil
			})
		}
	}
	_ = g.Wait() // f returns no error
}

// delete deletes up to ten messages, those that the service fails to delete
// again. It returns how many it did not delete and why, and how many were not
// ours to delete any more.
func (s *Source) delete(ctx context.Context, q *queue, all []*held) (left, expired int, err error) {
	policy := retry.Policy{Cap: 2 * time.Second, Elapsed: s.deletion}
	err = retry.Do(ctx, policy, func(ctx context.Context) error {
		var in sdk.DeleteMessageBatchInput
		in.QueueUrl = aws.String(q.url)
		for i, handle := range s.hand.handles(all) {
			in.Entries = append(in.Entries, types.DeleteMessageBatchRequestEntry{Id: aws.String(strconv.Itoa(i)), ReceiptHandle: aws.String(handle)})
		}
		ctx, cancel := context.WithTimeout(ctx, callWithin)
		defer cancel()
		out, err := s.client.DeleteMessageBatch(ctx, &in)
		if err != nil {
			return q.explain("delete from", "sqs:DeleteMessage", err)
		}
		again, theirs, err := failedEntries(q, "delete from", all, out.Failed)
		all = again
		expired += theirs
		return err
	})
	if err == nil {
		return 0, expired, nil
	}
	return len(all), expired, err
}

// failedEntries sorts the failures of a batch: those that are to be tried
// again, with an error that says so, and how many were refused for good.
func failedEntries(q *queue, op string, all []*held, failures []types.BatchResultErrorEntry) (again []*held, refused int, err error) {
	for _, f := range failures {
		i, bad := strconv.Atoi(aws.ToString(f.Id))
		switch {
		case bad != nil || i < 0 || i >= len(all):
		case f.SenderFault:
			refused++
		default:
			again = append(again, all[i])
			err = tidemill.Transient(&tidemill.Error{
				Code: tidemill.Unavailable, Op: op + " queue " + q.name,
				Err: entryError{aws.ToString(f.Code), aws.ToString(f.Message)},
			})
		}
	}
	return again, refused, err
}

// entryError is the failure of one message of a batch.
type entryError struct{ code, message string }

func (e entryError) Error() string { return e.code + ": " + e.message }

// release makes what is held visible again, and reports whether that was
// anything.
func (s *Source) release() bool {
	all := s.hand.expiring(time.Now().Add(2 * maxVisibility))
	if len(all) == 0 {
		return false
	}
	s.hand.gone(all) // before a receive under way brings some of them again
	ctx, cancel := context.WithTimeout(context.Background(), releaseWithin)
	defer cancel()
	s.hide(ctx, all, 0)
	return true
}
