package sqs

import (
	"context"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/tidemill/tidemill"
)

// extend keeps held messages hidden. A message is extended when half of its
// time is over, so that those which are committed soon cost no call; a third
// is left for a service that does not answer at once.
func (s *Source) extend() {
	tick := time.NewTicker(s.opts.Visibility / 6)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-s.ctx.Done():
			return
		}
		if due := s.hand.expiring(time.Now().Add(s.opts.Visibility / 2)); len(due) > 0 {
			s.hide(s.calls, due, s.opts.Visibility)
		}
	}
}

// hide sets how long messages stay hidden from now, and tells what could not
// be set.
func (s *Source) hide(ctx context.Context, all []*held, d time.Duration) {
	var lost atomic.Int64
	s.each(all, s.opts.Receivers, func(q *queue, part []*held) {
		n, err := s.hidePart(ctx, q, part, d)
		lost.Add(int64(n))
		switch {
		case err == nil || ctx.Err() != nil:
		case tidemill.CodeOf(err) == tidemill.Denied:
			s.fail(err) // or whatever takes long would come again and again
		default: // the next tick tries again; a receive tells of an outage
			s.log.Debug("visibility of messages", "queue", q.name, "err", err)
		}
	})
	if n := lost.Load(); n > 0 && d > 0 {
		s.log.Warn("visibility of messages ended before they were committed; they will come again", "messages", n)
	}
}

// hidePart does so for up to ten messages. It returns how many of them cannot
// be extended any more: their time is over, or twelve hours have passed since
// they were received.
func (s *Source) hidePart(ctx context.Context, q *queue, part []*held, d time.Duration) (lost int, err error) {
	in := sdk.ChangeMessageVisibilityBatchInput{QueueUrl: aws.String(q.url)}
	handles := s.hand.handles(part)
	for i, handle := range handles {
		in.Entries = append(in.Entries, types.ChangeMessageVisibilityBatchRequestEntry{
			Id: aws.String(strconv.Itoa(i)), ReceiptHandle: aws.String(handle), VisibilityTimeout: int32(d / time.Second),
		})
	}
	ctx, cancel := context.WithTimeout(ctx, callWithin)
	defer cancel()
	until := time.Now().Add(d)
	out, err := s.client.ChangeMessageVisibilityBatch(ctx, &in)
	if err != nil {
		return 0, q.explain("extend messages of", "sqs:ChangeMessageVisibility", err)
	}
	for _, ok := range out.Successful {
		if i, err := strconv.Atoi(aws.ToString(ok.Id)); err == nil && i >= 0 && i < len(part) {
			s.hand.extended(part[i], handles[i], until, false)
		}
	}
	for _, f := range out.Failed {
		i, err := strconv.Atoi(aws.ToString(f.Id))
		if err != nil || i < 0 || i >= len(part) || !f.SenderFault {
			continue // the next tick tries again
		}
		if s.hand.extended(part[i], handles[i], until, true) {
			lost++
		}
	}
	return lost, nil
}
