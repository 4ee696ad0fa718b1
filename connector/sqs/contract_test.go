package sqs

import (
	"context"
	"strconv"
	"testing"
	"time"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/tidetest"
)

// TestSuite holds the source to the contract of all sources: on both kinds of
// queues, and with sources that die without giving anything back.
func TestSuite(t *testing.T) {
	for _, c := range []struct {
		name  string
		queue func(testing.TB) string
		kill  func(tidemill.Source)
		many  int
	}{
		{"standard", standard, nil, 200},
		{"fifo", fifo, nil, 40},
		{"standard, crashed", standard, func(s tidemill.Source) { crash(s.(*Source)) }, 100},
	} {
		t.Run(c.name, func(t *testing.T) {
			tidetest.Source(t, func(t testing.TB) tidetest.Origin {
				q := c.queue(t)
				return tidetest.Origin{
					Source: func() tidemill.Source {
						return NewSource(connection(endpoint()), Options{Queues: []string{q}, Visibility: 2 * time.Second}, env)
					},
					Put: func(_ context.Context, ids ...string) error {
						from, err := strconv.Atoi(ids[0])
						if err == nil {
							send(t, q, from, from+len(ids), 1)
						}
						return err
					},
					MessageID: func(m tidemill.Message) string { return string(m.Value) },
					Ordered:   c.name == "fifo", Many: c.many, Schedules: 4, Kill: c.kill,
					Left: func(context.Context) (int, error) { return depth(t, q), nil },
				}
			})
		})
	}
}
