package kill

import (
	"context"
	"errors"
	"fmt"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/tidemill/tidemill/examples/cards/gen"
)

// publisher sends a stream to a broker that goes away now and then. What was
// not confirmed when the connection broke is sent again, as producers do: so
// the stream holds duplicates that nobody planned.
type publisher struct {
	url     string
	pace    time.Duration // between two messages, so that the stream outlasts the kills
	waiting []sent        // unconfirmed, oldest first
	resent  int
}

type sent struct {
	event   gen.Event
	confirm *amqp.DeferredConfirmation
}

// run returns when the broker has confirmed every event.
func (p *publisher) run(ctx context.Context, events func() (gen.Event, bool)) error {
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
		p.resent += len(p.waiting)
		p.waiting = nil
		select {
		case <-time.After(200 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// connected publishes over one connection until the events end or it breaks.
func (p *publisher) connected(ctx context.Context, next func() (gen.Event, bool)) error {
	conn, err := amqp.Dial(p.url)
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
	for _, queue := range gen.Queues() {
		if _, err := ch.QueueDeclare(queue, true, false, false, false, nil); err != nil {
			return err
		}
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
			time.Sleep(100 * p.pace)
		}
	}
}

func (p *publisher) send(ctx context.Context, ch *amqp.Channel, e gen.Event) error {
	p.waiting = append(p.waiting, sent{event: e}) // before the call, so that it is sent again if the call breaks
	confirm, err := ch.PublishWithDeferredConfirmWithContext(ctx, "", e.Queue, true, false, amqp.Publishing{
		DeliveryMode: amqp.Persistent, Type: e.Type, Timestamp: e.Time, Body: e.Body,
	})
	if err != nil {
		return err
	}
	p.waiting[len(p.waiting)-1].confirm = confirm
	if len(p.waiting) < 500 {
		return nil
	}
	return p.settle(ctx, 250)
}

// settle waits until at most keep messages are unconfirmed.
func (p *publisher) settle(ctx context.Context, keep int) error {
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
