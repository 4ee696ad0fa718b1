package amqp

import (
	"context"
	"sync"
	"time"

	amqp091 "github.com/rabbitmq/amqp091-go"
)

// session is one connection and the consumers on it. Consumers run in
// goroutines that close waits for.
type session struct {
	conn      *amqp091.Connection
	consumers []*consumer
	out       chan group
	failed    chan error // holds the first reason why the session ended

	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup
}

func newSession(conn *amqp091.Connection) *session {
	s := &session{conn: conn, out: make(chan group), failed: make(chan error, 1)}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.wg.Go(func() { s.watch(conn.NotifyClose(make(chan *amqp091.Error, 1))) })
	return s
}

// watch notes that the connection was lost.
func (s *session) watch(closed <-chan *amqp091.Error) {
	select {
	case err, ok := <-closed:
		if !ok || err == nil {
			err = amqp091.ErrClosed
		}
		s.fail(err)
	case <-s.ctx.Done():
	}
}

func (s *session) fail(err error) {
	select {
	case s.failed <- err:
	default: // an earlier reason is the cause of this one
	}
}

// subscribe starts the consumers of a queue.
func (s *session) subscribe(queues []string, each int, p pace) error {
	var streams []<-chan amqp091.Delivery
	for _, q := range queues {
		for range each {
			c, deliveries, err := newConsumer(s, q, p)
			if err != nil {
				return err
			}
			s.consumers = append(s.consumers, c)
			streams = append(streams, deliveries)
		}
	}
	for i, c := range s.consumers {
		s.wg.Go(func() {
			if err := c.run(s.ctx, streams[i]); s.ctx.Err() == nil {
				s.fail(err)
			}
		})
	}
	return nil
}

// busy counts the consumers that share what may be taken ahead; at least 1.
func (s *session) busy() int {
	since := time.Now().Add(-busyFor).UnixNano()
	n := 0
	for _, c := range s.consumers {
		if c.busy.Load() > since {
			n++
		}
	}
	return max(n, 1)
}

// closeWithin bounds what a broker that is gone may take of close.
const closeWithin = 5 * time.Second

// close ends the connection: what was not acknowledged goes back to the
// queues. Consumers are cancelled first, which the broker answers when it has
// applied their acknowledgements: a quorum queue forgets those that a
// connection sent just before its end.
func (s *session) close() {
	s.cancel()
	giveUp := time.AfterFunc(closeWithin, func() { _ = s.conn.CloseDeadline(time.Now()) })
	s.wg.Wait()
	for _, c := range s.consumers {
		_ = c.ch.Cancel(c.tag, false) // the connection may be gone already, and the acks with it
	}
	giveUp.Stop()
	_ = s.conn.CloseDeadline(time.Now().Add(closeWithin))
}
