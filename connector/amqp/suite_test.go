package amqp

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/tidetest"
)

// TestSuite holds the source to the contract of all sources, on both kinds of
// queues.
func TestSuite(t *testing.T) {
	for _, kind := range kinds {
		t.Run(kind, func(t *testing.T) {
			tidetest.Source(t, func(t testing.TB) tidetest.Origin {
				q := queue(t, shared, kind)
				return tidetest.Origin{
					Source: func() tidemill.Source {
						return NewSource(connection(shared), Options{Queues: []string{q}}, env)
					},
					Put:     func(ctx context.Context, ids ...string) error { return put(ctx, q, ids) },
					Ordered: true, Many: 600, Schedules: 8, Quiet: 150 * time.Millisecond,
					Break: shared.CloseConnections,
					Left:  func(context.Context) (int, error) { return shared.Depth(q) },
				}
			})
		})
	}
}

// put publishes over a connection of its own, since the suite breaks all.
func put(ctx context.Context, queue string, ids []string) error {
	p, err := NewPublisher(ctx, connection(shared), env)
	if err != nil {
		return err
	}
	for _, id := range ids {
		if err == nil {
			err = p.Publish(ctx, tidemill.Message{Source: queue, ID: id, Type: "T", Value: []byte(id)})
		}
	}
	if err == nil {
		err = p.Flush(ctx)
	}
	return errors.Join(err, p.Close())
}
