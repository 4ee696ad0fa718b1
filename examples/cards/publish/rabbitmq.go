package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/examples/cards/gen"
)

// unconfirmed bounds how many messages are on their way to the broker.
const unconfirmed = 2000

// toRabbitMQ publishes what is left of g and returns when the broker has taken
// responsibility for all of it. The type of an event goes into the property
// type; there is no message id, because the same event twice must be known by
// what it says.
func toRabbitMQ(ctx context.Context, address string, g *gen.Generator) error {
	return withChannel(address, func(channel *amqp.Channel) error {
		if err := channel.Confirm(false); err != nil {
			return fmt.Errorf("ask for confirms: %w", err)
		}
		for _, queue := range gen.Queues() {
			if _, err := channel.QueueDeclare(queue, true, false, false, false, nil); err != nil {
				return &tidemill.Error{
					Code: tidemill.Invalid, Op: "declare queue " + queue, Err: err,
					Hint: "a queue of that name with other arguments exists: delete it, or use another virtual host",
				}
			}
		}
		p := publisher{channel: channel}
		for e := range g.All() {
			if err := p.send(ctx, e); err != nil {
				return fmt.Errorf("publish to %s: %w", e.Queue, err)
			}
		}
		return p.settle(ctx, 0)
	})
}

// deleteQueues removes the queues, also those that are not empty, but none
// that somebody consumes.
func deleteQueues(address string) error {
	return withChannel(address, func(channel *amqp.Channel) error {
		for _, queue := range gen.Queues() {
			if _, err := channel.QueueDelete(queue, true, false, false); err != nil {
				return &tidemill.Error{
					Code: tidemill.Failed, Op: "delete queue " + queue, Err: err,
					Hint: "stop what consumes it, then try again",
				}
			}
		}
		return nil
	})
}

func withChannel(address string, do func(*amqp.Channel) error) (err error) {
	conn, err := amqp.Dial(address)
	if err != nil {
		return &tidemill.Error{
			Code: tidemill.Unavailable, Op: "connect to " + host(address), Err: err,
			Hint: "is RabbitMQ running there, and may the user of the URL use the virtual host?",
		}
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	channel, err := conn.Channel()
	if err != nil {
		return fmt.Errorf("open channel: %w", err)
	}
	return do(channel)
}

// publisher keeps the confirms that are still to come, oldest first.
type publisher struct {
	channel *amqp.Channel
	waiting []*amqp.DeferredConfirmation
}

func (p *publisher) send(ctx context.Context, e gen.Event) error {
	c, err := p.channel.PublishWithDeferredConfirmWithContext(ctx, "", e.Queue, true, false, amqp.Publishing{
		ContentType:  "application/x-protobuf",
		DeliveryMode: amqp.Persistent,
		Type:         e.Type,
		Timestamp:    e.Time,
		AppId:        "cards-example",
		Body:         e.Body,
	})
	if err != nil {
		return err
	}
	p.waiting = append(p.waiting, c)
	if len(p.waiting) < unconfirmed {
		return nil
	}
	return p.settle(ctx, unconfirmed/2)
}

// settle waits until no more than keep confirms are to come.
func (p *publisher) settle(ctx context.Context, keep int) error {
	for len(p.waiting) > keep {
		ok, err := p.waiting[0].WaitContext(ctx)
		if err != nil {
			return fmt.Errorf("wait for confirm: %w", err)
		}
		if !ok {
			return errors.New("the broker refused a message")
		}
		p.waiting = p.waiting[1:]
	}
	return nil
}

// host returns the address without user and password.
func host(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "RabbitMQ"
	}
	return u.Host
}
