package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/tidemill/tidemill"
	connector "github.com/tidemill/tidemill/connector/amqp"
	"github.com/tidemill/tidemill/examples/cards/gen"
	"github.com/tidemill/tidemill/internal/redact"
)

// toRabbitMQ publishes what is left of g and returns when the broker has taken
// responsibility for all of it. The type of an event goes into the property
// type; there is no message id, because the same event twice must be known by
// what it says.
func toRabbitMQ(ctx context.Context, address string, g *gen.Generator) (err error) {
	env := tidemill.Env{Log: slog.New(slog.DiscardHandler)}
	p, err := connector.NewPublisher(ctx, connector.Connection{URL: redact.New(address), Heartbeat: 10 * time.Second}, env)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	for _, queue := range gen.Queues() {
		if err := p.Declare(queue, connector.Options{QueueType: "classic"}); err != nil {
			return fmt.Errorf("declare queue %s: %w", queue, err)
		}
	}
	meta := map[string]string{"content_type": "application/x-protobuf", "app_id": "cards-example"}
	for e := range g.All() {
		m := tidemill.Message{Source: e.Queue, Type: e.Type, Value: e.Body, Time: e.Time, Meta: meta}
		if err := p.Publish(ctx, m); err != nil {
			return err
		}
	}
	return p.Flush(ctx)
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

// host returns the address without user and password.
func host(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "RabbitMQ"
	}
	return u.Host
}
