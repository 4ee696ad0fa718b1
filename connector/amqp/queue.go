package amqp

import (
	"errors"
	"fmt"
	"math"

	amqp091 "github.com/rabbitmq/amqp091-go"

	"github.com/tidemill/tidemill"
)

// inspect returns what the broker tells of a queue, having declared it where
// opts say so. It uses a channel of its own: a refusal closes the channel.
func (b *broker) inspect(conn *amqp091.Connection, queue string, opts Options) (amqp091.Queue, error) {
	ch, err := conn.Channel()
	if err != nil {
		return amqp091.Queue{}, b.unavailable(err)
	}
	defer func() { _ = ch.Close() }() // it may be closed already
	var q amqp091.Queue
	if opts.Declare {
		var args amqp091.Table
		if args, err = opts.table(); err != nil {
			return q, err
		}
		q, err = ch.QueueDeclare(queue, true, false, false, false, args)
	} else {
		q, err = ch.QueueDeclarePassive(queue, true, false, false, false, nil)
	}
	if err != nil {
		return q, b.explainQueue(queue, err)
	}
	return q, nil
}

// explainQueue gives a refusal of the broker its code and hint.
func (b *broker) explainQueue(queue string, err error) error {
	e := &tidemill.Error{Op: "open queue " + queue, Err: err}
	var reply *amqp091.Error
	if !errors.As(err, &reply) || !reply.Server {
		return b.unavailable(err)
	}
	switch reply.Code {
	case amqp091.NotFound:
		e.Code, e.Err = tidemill.NotFound, fmt.Errorf("the vhost of %s has no such queue", b.name)
		e.Hint = "correct queues, or set declare: true on the source to make missing queues"
	case amqp091.PreconditionFailed:
		e.Code, e.Err = tidemill.Invalid, errors.New(reply.Reason)
		e.Hint = "the queue exists with other properties: give queue_type and arguments those it has, or remove declare"
	case amqp091.AccessRefused:
		e.Code, e.Err = tidemill.Denied, errors.New(reply.Reason)
		e.Hint = "the user needs the permission to read the queue, and with declare: true to configure it"
	case amqp091.ResourceLocked:
		e.Code, e.Err = tidemill.Denied, errors.New(reply.Reason)
		e.Hint = "the queue is exclusive to another connection"
	default:
		return b.unavailable(err)
	}
	return e
}

// table returns the arguments of declared queues.
func (o Options) table() (amqp091.Table, error) {
	t := amqp091.Table{}
	if o.QueueType != "" {
		t["x-queue-type"] = o.QueueType
	}
	for name, v := range o.Arguments {
		t[name] = argument(v)
	}
	if err := t.Validate(); err != nil {
		return nil, &tidemill.Error{
			Code: tidemill.Invalid, Op: "read arguments", Err: err,
			Hint: "values are text, numbers, true or false, and lists and maps of these",
		}
	}
	return t, nil
}

// argument turns what YAML gives into what AMQP knows.
func argument(v any) any {
	switch v := v.(type) {
	case uint64:
		if v <= math.MaxInt64 {
			return int64(v)
		}
	case int:
		return int64(v)
	case map[string]any:
		t := amqp091.Table{}
		for name, x := range v {
			t[name] = argument(x)
		}
		return t
	case []any:
		list := make([]any, len(v))
		for i, x := range v {
			list[i] = argument(x)
		}
		return list
	}
	return v
}
