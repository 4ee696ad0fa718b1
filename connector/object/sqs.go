package object

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/internal/awsconf"
)

// perCall is how many messages a call of SQS takes at most.
const perCall = 10

// sqsQueue is a queue of SQS that gets events of the bucket.
type sqsQueue struct {
	url     string
	seconds int32 // of visibility
	client  *sqs.Client
	hangUp  func() // closes connections that are idle
	patience
}

func newSQS(ctx context.Context, conn S3, opts Events, env tidemill.Env) (*sqsQueue, error) {
	where := conn.Config
	if opts.Endpoint != "" {
		where.Endpoint = opts.Endpoint
	}
	cfg, err := where.Load(ctx)
	if err != nil {
		return nil, err
	}
	hangUp := ownClient(&cfg)
	q := &sqsQueue{url: opts.Queue, seconds: int32(opts.visibility() / time.Second), client: sqs.NewFromConfig(cfg), hangUp: hangUp}
	q.log, q.about = env.Log, opts.Queue
	return q, nil
}

func (q *sqsQueue) receive(ctx context.Context, wait time.Duration) (got []message, err error) {
	err = q.try(ctx, func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, wait+callWithin)
		defer cancel()
		out, err := q.client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
			QueueUrl: &q.url, MaxNumberOfMessages: perCall, WaitTimeSeconds: int32(wait / time.Second), VisibilityTimeout: q.seconds,
		})
		if err != nil {
			return q.explain("receive from", "sqs:ReceiveMessage", err)
		}
		for _, m := range out.Messages {
			got = append(got, message{id: aws.ToString(m.MessageId), handle: aws.ToString(m.ReceiptHandle), body: []byte(aws.ToString(m.Body))})
		}
		return nil
	})
	return got, err
}

func (q *sqsQueue) remove(ctx context.Context, handles []string) error {
	return q.each(ctx, handles, "delete from", "sqs:DeleteMessage", func(ctx context.Context, part []string) (failed []types.BatchResultErrorEntry, err error) {
		in := &sqs.DeleteMessageBatchInput{QueueUrl: &q.url}
		for i, h := range part {
			in.Entries = append(in.Entries, types.DeleteMessageBatchRequestEntry{Id: aws.String(fmt.Sprint(i)), ReceiptHandle: &h})
		}
		out, err := q.client.DeleteMessageBatch(ctx, in)
		if out != nil {
			failed = out.Failed
		}
		return failed, err
	})
}

func (q *sqsQueue) hide(ctx context.Context, handles []string) error {
	return q.each(ctx, handles, "extend visibility in", "sqs:ChangeMessageVisibility", func(ctx context.Context, part []string) (failed []types.BatchResultErrorEntry, err error) {
		in := &sqs.ChangeMessageVisibilityBatchInput{QueueUrl: &q.url}
		for i, h := range part {
			in.Entries = append(in.Entries, types.ChangeMessageVisibilityBatchRequestEntry{Id: aws.String(fmt.Sprint(i)), ReceiptHandle: &h, VisibilityTimeout: q.seconds})
		}
		out, err := q.client.ChangeMessageVisibilityBatch(ctx, in)
		if out != nil {
			failed = out.Failed
		}
		return failed, err
	})
}

// each calls f for parts of handles. A handle that the queue knows no more is
// no error: its message is gone, or will come again.
func (q *sqsQueue) each(ctx context.Context, handles []string, op, permission string, f func(context.Context, []string) ([]types.BatchResultErrorEntry, error)) error {
	for len(handles) > 0 {
		part := handles[:min(len(handles), perCall)]
		handles = handles[len(part):]
		err := q.try(ctx, func(ctx context.Context) error {
			ctx, cancel := context.WithTimeout(ctx, callWithin)
			defer cancel()
			failed, err := f(ctx, part)
			if err != nil {
				return q.explain(op, permission, err)
			}
			for _, e := range failed {
				if !e.SenderFault {
					return tidemill.Transient(fmt.Errorf("%s %s: %s", op, q.url, aws.ToString(e.Code)))
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (q *sqsQueue) check(ctx context.Context) error {
	q.opening = true
	defer func() { q.opening = false }()
	return q.try(ctx, func(ctx context.Context) error {
		_, err := q.attributes(ctx)
		return err
	})
}

// attributes returns ARN and policy of the queue.
func (q *sqsQueue) attributes(ctx context.Context) (map[string]string, error) {
	ctx, cancel := context.WithTimeout(ctx, callWithin)
	defer cancel()
	out, err := q.client.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: &q.url, AttributeNames: []types.QueueAttributeName{
		types.QueueAttributeNameQueueArn, types.QueueAttributeNamePolicy, types.QueueAttributeNameApproximateNumberOfMessages, types.QueueAttributeNameRedrivePolicy,
	}})
	if err != nil {
		return nil, q.explain("look at", "sqs:GetQueueAttributes", err)
	}
	return out.Attributes, nil
}

func (q *sqsQueue) explain(op, permission string, err error) error {
	var missing *types.QueueDoesNotExist
	if errors.As(err, &missing) || strings.Contains(awsconf.Code(err), "NonExistentQueue") {
		return &tidemill.Error{
			Code: tidemill.NotFound, Op: op + " " + q.url, Err: errors.New("there is no such queue"),
			Hint: "make it, or correct events.queue: it is the queue's URL, in the region of the connection",
		}
	}
	return awsconf.Explain(op+" "+q.url, permission+" on the queue", err)
}
