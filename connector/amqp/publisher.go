package amqp

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	amqp091 "github.com/rabbitmq/amqp091-go"

	"github.com/tidemill/tidemill"
)

// window is how many messages a Publisher has unconfirmed at most.
const window = 2000

// Publisher sends messages to queues and has the broker confirm each. It is
// not safe for concurrent use, and of no use after an error: what was not
// confirmed may or may not have arrived.
type Publisher struct {
	broker *broker
	conn   *amqp091.Connection
	ch     *amqp091.Channel
	open   []*amqp091.DeferredConfirmation // oldest first

	wg       sync.WaitGroup
	mu       sync.Mutex
	returned error // the first message that no queue took
}

// NewPublisher connects.
func NewPublisher(ctx context.Context, conn Connection, env tidemill.Env) (*Publisher, error) {
	b, err := newBroker(conn, env)
	if err != nil {
		return nil, err
	}
	p := &Publisher{broker: b}
	if p.conn, err = b.dial(ctx); err != nil {
		return nil, err
	}
	if p.ch, err = p.conn.Channel(); err == nil {
		err = p.ch.Confirm(false)
	}
	if err != nil {
		return nil, errors.Join(b.unavailable(err), p.Close())
	}
	returns := p.ch.NotifyReturn(make(chan amqp091.Return, window))
	p.wg.Go(func() {
		for r := range returns {
			p.mu.Lock()
			if p.returned == nil {
				p.returned = fmt.Errorf("publish to queue %s: %s", r.RoutingKey, r.ReplyText)
			}
			p.mu.Unlock()
		}
	})
	return p, nil
}

// Declare makes a queue as the source does with declare: true.
func (p *Publisher) Declare(queue string, opts Options) error {
	opts.Declare = true
	_, err := p.broker.inspect(p.conn, queue, opts)
	return err
}

// Publish sends m to the queue m.Source, persistent, with its ID, Type and
// Time, and of Meta content_type, content_encoding, correlation_id, app_id
// and header.NAME. It waits only where too much is unconfirmed.
func (p *Publisher) Publish(ctx context.Context, m tidemill.Message) error {
	out := amqp091.Publishing{
		MessageId: m.ID, Type: m.Type, Body: m.Value, Timestamp: m.Time, DeliveryMode: amqp091.Persistent,
		ContentType: m.Meta["content_type"], ContentEncoding: m.Meta["content_encoding"],
		CorrelationId: m.Meta["correlation_id"], AppId: m.Meta["app_id"],
	}
	for name, v := range m.Meta {
		if header, ok := strings.CutPrefix(name, "header."); ok {
			if out.Headers == nil {
				out.Headers = amqp091.Table{}
			}
			out.Headers[header] = v
		}
	}
	c, err := p.ch.PublishWithDeferredConfirmWithContext(ctx, "", m.Source, true, false, out)
	if err != nil {
		return fmt.Errorf("publish to queue %s: %w", m.Source, err)
	}
	if p.open = append(p.open, c); len(p.open) < window {
		return nil
	}
	return p.settle(ctx, window/2)
}

// Flush waits until the broker has confirmed all that was published.
func (p *Publisher) Flush(ctx context.Context) error { return p.settle(ctx, 0) }

// settle waits until at most keep messages are unconfirmed.
func (p *Publisher) settle(ctx context.Context, keep int) error {
	for len(p.open) > keep {
		ok, err := p.open[0].WaitContext(ctx)
		if err != nil {
			return fmt.Errorf("wait for confirmation: %w", err)
		}
		if !ok {
			return errors.New("publish: the broker did not take a message, or the connection was lost")
		}
		p.open = p.open[1:]
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.returned
}

// Close disconnects. What was not flushed may be lost.
func (p *Publisher) Close() error {
	err := p.conn.CloseDeadline(time.Now().Add(5 * time.Second))
	p.wg.Wait()
	if errors.Is(err, amqp091.ErrClosed) {
		return nil
	}
	return err
}
