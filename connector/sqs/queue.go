package sqs

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	sdk "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/internal/awsconf"
)

// queue is one queue that was found.
type queue struct {
	name       string
	url        string
	fifo       bool
	attributes map[string]string // as they were when it was found

	wake  chan struct{} // one for each helper that should receive too
	ended chan struct{} // closed when a drain has read all

	mu      sync.Mutex
	failing time.Time // since when receives fail; zero while they do not
	lasting time.Time // since when they fail in a way that does not pass by itself
	told    time.Time // when the log heard of it
}

// find returns the queue of a name, URL or ARN.
func (c *client) find(ctx context.Context, name string) (*queue, error) {
	ctx, cancel := context.WithTimeout(ctx, callWithin)
	defer cancel()
	q := &queue{name: name, wake: make(chan struct{}, 1), ended: make(chan struct{})}
	in := sdk.GetQueueUrlInput{QueueName: aws.String(name)}
	switch {
	case strings.Contains(name, "://"):
		if err := q.fromURL(name, c.region); err != nil {
			return nil, err
		}
	case arn.IsARN(name):
		a, err := arn.Parse(name)
		if err != nil || a.Service != "sqs" || a.Resource == "" {
			return nil, q.invalid("it is no ARN of a queue", "write it as arn:aws:sqs:REGION:ACCOUNT:NAME")
		}
		if a.Region != c.region && c.Options().BaseEndpoint == nil {
			return nil, q.elsewhere(a.Region, c.region)
		}
		q.name = a.Resource
		in.QueueName, in.QueueOwnerAWSAccountId = aws.String(a.Resource), aws.String(a.AccountID)
	}
	if q.url == "" {
		out, err := c.GetQueueUrl(ctx, &in)
		if err != nil {
			return nil, q.explain("find", "sqs:GetQueueUrl", err)
		}
		q.url = aws.ToString(out.QueueUrl)
	}
	if err := q.look(ctx, c); err != nil {
		return nil, err
	}
	q.fifo = strings.HasSuffix(q.name, ".fifo")
	return q, nil
}

// fromURL takes a queue's address. Its host is not called: the service is
// where the connection says.
func (q *queue) fromURL(address, region string) error {
	u, err := url.Parse(address)
	if err != nil || strings.Count(strings.Trim(u.Path, "/"), "/") < 1 {
		return q.invalid("it is no URL of a queue", "write it as https://sqs.REGION.amazonaws.com/ACCOUNT/NAME, or give the name alone")
	}
	parts := strings.Split(u.Hostname(), ".")
	if len(parts) >= 4 && parts[0] == "sqs" && strings.Contains(u.Hostname(), ".amazonaws.com") && parts[1] != region {
		return q.elsewhere(parts[1], region)
	}
	q.name, q.url = u.Path[strings.LastIndexByte(u.Path, '/')+1:], address
	return nil
}

// look asks for the queue's attributes.
func (q *queue) look(ctx context.Context, c *client) error {
	out, err := c.GetQueueAttributes(ctx, &sdk.GetQueueAttributesInput{
		QueueUrl: aws.String(q.url), AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameAll},
	})
	if err != nil {
		return q.explain("look at", "sqs:GetQueueAttributes", err)
	}
	q.attributes = out.Attributes
	return nil
}

func (q *queue) invalid(what, hint string) error {
	return &tidemill.Error{Code: tidemill.Invalid, Op: "find queue " + q.name, Err: errors.New(what), Hint: hint}
}

func (q *queue) elsewhere(its, ours string) error {
	return q.invalid(fmt.Sprintf("it is in region %s, the connection in %s", its, ours), "set region on the connection to that of the queue; queues of two regions need two connections")
}

// explain gives an error of a call its code and remedy. op is a verb.
func (q *queue) explain(op, permission string, err error) error {
	if err == nil {
		return nil
	}
	op += " queue " + q.name
	var gone *types.QueueDoesNotExist
	code := awsconf.Code(err)
	switch {
	case errors.As(err, &gone) || strings.HasSuffix(code, "NonExistentQueue") || strings.HasSuffix(code, "QueueDoesNotExist"):
		return &tidemill.Error{
			Code: tidemill.NotFound, Op: op, Err: errors.New("the account has no such queue in this region"),
			Hint: "correct queues, or region on the connection; a queue of another account is named by its ARN",
		}
	case strings.HasSuffix(code, "OverLimit"): // others hold too many of its messages
		return tidemill.Transient(&tidemill.Error{Code: tidemill.Unavailable, Op: op, Err: errors.New(code)})
	}
	return awsconf.Explain(op, permission+" on the queue", err)
}
