// Package produce publishes the stream of the cards example to a RabbitMQ that
// may be restarted meanwhile, as a producer with publisher confirms does.
package produce

import (
	"context"
	"errors"
	"fmt"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/tidemill/tidemill/examples/cards/gen"
)

// Publisher sends events to a broker that goes away now and then. What was
// not confirmed when the connection broke is sent again, as producers do: so
// the queues hold duplicates that nobody planned.
type Publisher struct {
	URL       string
	Prefix    string        // before the names of gen.Queues, so that tests share a broker
	QueueType string        // of the queues, which are declared: classic or quorum; "" is classic
	Pace      time.Duration // between two messages, so that the stream outlasts what is done to it
	Resent    int           // events that were sent again

	waiting []sent // unconfirmed, oldest first
}

type sent struct {
	event   gen.Event
	confirm *amqp.DeferredConfirmation
}

// Run returns when the broker has confirmed every event that events returns.
func (p *Publisher) Run(ctx context.Context, events func() (gen.Event, bool)) error {
	var again []gen.Event
	next := func() (gen.Event, bool) {
		if len(again) > 0 {
			e := again[0]
			again = again[1:]
			return e, true
		}
		return events()
	}
	for {
		err := p.connected(ctx, next)
		if err == nil || ctx.Err() != nil {
			return errors.Join(err, ctx.Err())
		}
		for _, s := range p.waiting {
			again = append(again, s.event)
		}
		p.Resent += len(p.waiting)
		p.waiting = nil
		select {
		case <-time.After(200 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// connected publishes over one connection until the events end or it breaks.
func (p *Publisher) connected(ctx context.Context, next func() (gen.Event, bool)) error {
	conn, err := amqp.Dial(p.URL)
	if err != nil {
		return err
	}
	defer conn.Close()
	ch, err := conn.Channel()
	if err != nil {
		return err
	}
	if err := ch.Confirm(false); err != nil {
		return err
	}
	if err := p.declare(ch); err != nil {
		return err
	}
	for n := 0; ; n++ {
		e, ok := next()
		if !ok {
			return p.settle(ctx, 0)
		}
		if err := p.send(ctx, ch, e); err != nil {
			return err
		}
		if n%100 == 99 {
			time.Sleep(100 * p.Pace)
		}
	}
}

func (p *Publisher) declare(ch *amqp.Channel) error {
	args := amqp.Table{}
	if p.QueueType != "" {
		args["x-queue-type"] = p.QueueType
	}
	for _, queue := range gen.Queues() {
		if _, err := ch.QueueDeclare(p.Prefix+queue, true, false, false, false, args); err != nil {
			return err
		}
	}
	return nil
}

func (p *Publisher) send(ctx context.Context, ch *amqp.Channel, e gen.Event) error {
	p.waiting = append(p.waiting, sent{event: e}) // before the call, so that it is sent again if the call breaks
	confirm, err := ch.PublishWithDeferredConfirmWithContext(ctx, "", p.Prefix+e.Queue, true, false, amqp.Publishing{
		DeliveryMode: amqp.Persistent, Type: e.Type, Timestamp: e.Time, Body: e.Body,
	})
	if err != nil {
		return err
	}
	p.waiting[len(p.waiting)-1].confirm = confirm
	if len(p.waiting) < 2000 {
		return nil
	}
	return p.settle(ctx, 1000)
}

// settle waits until at most keep messages are unconfirmed.
func (p *Publisher) settle(ctx context.Context, keep int) error {
	for len(p.waiting) > keep {
		wait, cancel := context.WithTimeout(ctx, 20*time.Second)
		ok, err := p.waiting[0].confirm.WaitContext(wait)
		cancel()
		if err != nil || !ok {
			return fmt.Errorf("confirm: %t %w", ok, err)
		}
		p.waiting = p.waiting[1:]
	}
	return nil
}
