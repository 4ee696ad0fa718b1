package amqp

import (
	"context"
	"slices"
	"time"

	amqp091 "github.com/rabbitmq/amqp091-go"

	"github.com/tidemill/tidemill"
)

var _ tidemill.Peeker = (*Source)(nil)

// Peek gets messages one by one, of each queue in turn; they go back to where
// they stood. The broker marks them as redelivered from then on, and a
// quorum queue counts a delivery.
func (s *Source) Peek(ctx context.Context, limit int) (tidemill.Batch, error) {
	b, err := newBroker(s.conn, s.env)
	if err != nil {
		return tidemill.Batch{}, err
	}
	conn, err := b.dial(ctx)
	if err != nil {
		return tidemill.Batch{}, err
	}
	// A get has no context: a broker that hangs is left when ctx is done.
	defer context.AfterFunc(ctx, func() { _ = conn.CloseDeadline(time.Now()) })()
	batch, err := s.get(b, conn, limit)
	if ctx.Err() != nil {
		return tidemill.Batch{}, context.Cause(ctx)
	}
	// The messages go back with the end of the connection, to where they
	// stood; a negative acknowledgement would put them behind all others in a
	// quorum queue.
	if cerr := conn.CloseDeadline(time.Now().Add(closeWithin)); err == nil && cerr != nil {
		err = b.unavailable(cerr)
	}
	return batch, err
}

func (s *Source) get(b *broker, conn *amqp091.Connection, limit int) (batch tidemill.Batch, err error) {
	passive := s.opts
	passive.Declare = false
	for _, q := range s.opts.Queues {
		if _, err := b.inspect(conn, q, passive); err != nil {
			return batch, err
		}
	}
	ch, err := conn.Channel()
	if err != nil {
		return batch, b.unavailable(err)
	}
	for queues := slices.Clone(s.opts.Queues); len(queues) > 0 && len(batch.Messages) < limit; {
		q := queues[0]
		queues = queues[1:]
		d, ok, err := ch.Get(q, false)
		if err != nil {
			return batch, b.explainQueue(q, err)
		}
		if ok {
			batch.Messages = append(batch.Messages, message(q, &d))
			queues = append(queues, q)
		}
	}
	return batch, nil
}
