package amqp

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	amqp091 "github.com/rabbitmq/amqp091-go"

	"github.com/tidemill/tidemill"
)

const (
	// A group is what a consumer hands over at once, at most.
	groupRows  = 256
	groupBytes = 1 << 20

	// busyFor is how long a consumer counts as busy after a delivery.
	busyFor = 2 * time.Second
)

// group is a run of messages of one consumer, in the order of their tags.
type group struct {
	from     *consumer
	messages []tidemill.Message
	bytes    int64
	again    int    // of the messages, redelivered
	last     uint64 // delivery tag of the last message
}

// consumer reads one queue over a channel of its own.
type consumer struct {
	queue string
	of    *session
	ch    *amqp091.Channel
	pace  pace
	tag   string // consumer tag at the broker, which changes with the prefetch
	turn  int

	closed    chan *amqp091.Error
	cancelled chan string

	taken uint64        // delivery tag of the last message that was handed over
	acked atomic.Uint64 // delivery tag up to which all is acknowledged
	busy  atomic.Int64  // when a delivery came last, in Unix nanoseconds
}

// newConsumer opens a channel and subscribes to queue.
func newConsumer(s *session, queue string, p pace) (*consumer, <-chan amqp091.Delivery, error) {
	ch, err := s.conn.Channel()
	if err != nil {
		return nil, nil, err
	}
	c := &consumer{
		queue: queue, of: s, ch: ch, pace: p,
		closed:    ch.NotifyClose(make(chan *amqp091.Error, 1)),
		cancelled: ch.NotifyCancel(make(chan string, 1)),
	}
	deliveries, err := c.subscribe()
	return c, deliveries, err
}

func (c *consumer) subscribe() (<-chan amqp091.Delivery, error) {
	// The limit is that of consumers which are new on the channel, the only
	// kind that quorum queues know.
	if err := c.ch.Qos(c.pace.prefetch, 0, false); err != nil {
		return nil, err
	}
	c.turn++
	c.tag = fmt.Sprintf("tidemill-%d", c.turn)
	return c.ch.Consume(c.queue, c.tag, false, false, false, false, nil)
}

// run hands deliveries over until ctx is done or the channel ends, which its
// error tells of.
func (c *consumer) run(ctx context.Context, deliveries <-chan amqp091.Delivery) error {
	for {
		if err := c.forward(ctx, deliveries, true); err != nil {
			return err
		}
		// forward returns when it wants another prefetch. What was delivered
		// under the old one stays valid, and comes first.
		if err := c.ch.Cancel(c.tag, false); err != nil {
			return err
		}
		if err := c.forward(ctx, deliveries, false); err != nil {
			return err
		}
		c.pace.prefetch = c.pace.next(c.pending(), c.of.busy()) // they may have been larger
		var err error
		if deliveries, err = c.subscribe(); err != nil {
			return err
		}
	}
}

// forward hands over what comes. It returns nil when adapt is set and the
// prefetch is to change, or when it is not and deliveries have ended.
func (c *consumer) forward(ctx context.Context, deliveries <-chan amqp091.Delivery, adapt bool) error {
	for {
		var d amqp091.Delivery
		var ok bool
		select {
		case d, ok = <-deliveries:
		case <-ctx.Done():
			return ctx.Err()
		}
		if !ok {
			if !adapt {
				return nil
			}
			return c.ended(ctx)
		}
		g := c.collect(d, deliveries)
		select {
		case c.of.out <- g:
		case <-ctx.Done():
			return ctx.Err()
		}
		c.taken = g.last
		c.pace.saw(len(g.messages), g.again, g.bytes)
		if !adapt {
			continue
		}
		if n := c.pace.next(c.pending(), c.of.busy()); n != c.pace.prefetch {
			c.pace.prefetch = n
			return nil
		}
	}
}

// pending is how many messages were handed over and not acknowledged.
func (c *consumer) pending() int { return int(c.taken - c.acked.Load()) }

// collect takes what else is there after d.
func (c *consumer) collect(d amqp091.Delivery, deliveries <-chan amqp091.Delivery) group {
	c.busy.Store(time.Now().UnixNano())
	g := group{from: c}
	for ok := true; ok; {
		m := message(c.queue, &d)
		if m.Redelivered {
			g.again++
		}
		g.messages = append(g.messages, m)
		g.bytes += int64(len(d.Body))
		g.last = d.DeliveryTag
		if len(g.messages) >= groupRows || g.bytes >= groupBytes {
			break
		}
		select {
		case d, ok = <-deliveries: // an end shows again at the next receive
		default:
			ok = false
		}
	}
	return g
}

// errCancelled says that the broker ended the subscription alone: its queue
// was deleted, or moved to another node.
var errCancelled = errors.New("the broker cancelled the consumer")

// ended tells why deliveries have ended.
func (c *consumer) ended(ctx context.Context) error {
	select {
	case _, ok := <-c.cancelled:
		if ok {
			return fmt.Errorf("queue %s: %w", c.queue, errCancelled)
		}
	default:
	}
	select {
	case err, ok := <-c.closed:
		if ok {
			return fmt.Errorf("queue %s: %w", c.queue, err)
		}
		return amqp091.ErrClosed
	case <-c.cancelled:
		return fmt.Errorf("queue %s: %w", c.queue, errCancelled)
	case <-ctx.Done():
		return ctx.Err()
	}
}
