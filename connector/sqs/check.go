package sqs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/tidemill/tidemill"
)

// leastReceives is the count of receives under which a few crashes send good
// messages to the dead-letter queue.
const leastReceives = 10

// Check looks at the queues as a source with opts would, but receives and
// deletes nothing. wait is how long a batch may wait for its commit.
func Check(ctx context.Context, conn Connection, opts Options, wait time.Duration, env tidemill.Env) []tidemill.Finding {
	opts = opts.withDefaults()
	c, err := newClient(ctx, conn, 1)
	if err != nil {
		return []tidemill.Finding{failed("read AWS configuration", err)}
	}
	defer c.close()
	place := "region " + c.region
	if conn.Endpoint != "" {
		place = conn.Endpoint
	}
	if len(opts.Queues) == 0 {
		return []tidemill.Finding{{OK: true, What: "AWS configuration, " + place, Why: "no pipeline reads a queue of it, so that nothing was called"}}
	}
	var found []tidemill.Finding
	for _, name := range opts.Queues {
		q, err := c.find(ctx, name)
		if err != nil {
			found = append(found, failed("queue "+name+" at "+place, err))
			continue
		}
		found = append(found, q.describe())
		for _, err := range c.probe(ctx, q) {
			found = append(found, failed("permissions on queue "+q.name, err))
		}
		found = append(found, q.warnings(opts, wait)...)
	}
	return found
}

// failed puts the reason and remedy of err into a finding.
func failed(what string, err error) tidemill.Finding {
	f := tidemill.Finding{What: what, Why: err.Error()}
	if hints := tidemill.Hints(err); len(hints) > 0 {
		f.Hint = hints[0]
	}
	return f
}

func (q *queue) attribute(name types.QueueAttributeName) string { return q.attributes[string(name)] }

func (q *queue) describe() tidemill.Finding {
	f := tidemill.Finding{OK: true, What: fmt.Sprintf("queue %s: %s messages, %s held by receivers", q.name,
		q.attribute(types.QueueAttributeNameApproximateNumberOfMessages),
		q.attribute(types.QueueAttributeNameApproximateNumberOfMessagesNotVisible))}
	if q.fifo {
		f.Why = "it is a FIFO queue: a group moves on by at most ten messages in each commit, so that few groups want a short batch.wait"
	}
	return f
}

// bogus is a receipt handle of no message.
const bogus = "tidemill-check"

// probe makes the calls that a source needs in a form that changes nothing:
// handles of no message, and a receive of more messages than there may be. It
// returns the refusals; another answer proves no permission.
func (c *client) probe(ctx context.Context, q *queue) []error {
	ctx, cancel := context.WithTimeout(ctx, callWithin)
	defer cancel()
	url := aws.String(q.url)
	var refused []error
	note := func(err error) {
		if tidemill.CodeOf(err) == tidemill.Denied {
			refused = append(refused, err)
		}
	}
	_, err := c.ReceiveMessage(ctx, &sdk.ReceiveMessageInput{QueueUrl: url, MaxNumberOfMessages: perCall + 1, VisibilityTimeout: -1})
	note(q.explain("receive from", "sqs:ReceiveMessage", err))
	_, err = c.ChangeMessageVisibility(ctx, &sdk.ChangeMessageVisibilityInput{QueueUrl: url, ReceiptHandle: aws.String(bogus)})
	note(q.explain("extend messages of", "sqs:ChangeMessageVisibility", err))
	_, err = c.DeleteMessage(ctx, &sdk.DeleteMessageInput{QueueUrl: url, ReceiptHandle: aws.String(bogus)})
	note(q.explain("delete from", "sqs:DeleteMessage", err))
	return refused
}

// warnings are what works and may go wrong later.
func (q *queue) warnings(opts Options, wait time.Duration) []tidemill.Finding {
	var found []tidemill.Finding
	warn := func(what, why, hint string) {
		found = append(found, tidemill.Finding{OK: true, Warn: true, What: "queue " + q.name + ": " + what, Why: why, Hint: hint})
	}
	if opts.Visibility < 2*wait {
		warn("visibility "+opts.Visibility.String(), fmt.Sprintf("it is under two waits of a batch (%s), so that nearly every message is extended", 2*wait), "set visibility on the source to at least "+(2*wait).String())
	}
	max, err := q.maxReceives()
	switch {
	case errors.Is(err, errNoRedrive):
		warn("no redrive policy", "nothing is lost by that: what cannot be decoded goes to the dead letters of the warehouse; but what stops a pipeline again and again stays in the queue until its retention ends", "add a dead-letter queue with a maxReceiveCount of "+strconv.Itoa(leastReceives)+" or more")
	case err != nil:
		warn("redrive policy", "it could not be read: "+err.Error(), "")
	case max < leastReceives:
		warn("maxReceiveCount "+strconv.Itoa(max), "each crash or restart counts as a receive: after so many, good messages go to the dead-letter queue", "set maxReceiveCount to "+strconv.Itoa(leastReceives)+" or more")
	}
	return found
}

var errNoRedrive = errors.New("there is no redrive policy")

// maxReceives reads the redrive policy, whose count is a number or a text.
func (q *queue) maxReceives() (int, error) {
	text := q.attribute(types.QueueAttributeNameRedrivePolicy)
	if text == "" {
		return 0, errNoRedrive
	}
	var policy struct {
		Max any `json:"maxReceiveCount"`
	}
	if err := json.Unmarshal([]byte(text), &policy); err != nil {
		return 0, err
	}
	return strconv.Atoi(fmt.Sprint(policy.Max))
}
