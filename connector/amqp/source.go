package amqp

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/internal/retry"
)

const (
	// One Read returns at most these.
	readRows  = 4096
	readBytes = 4 << 20

	// Batch limits where SetBatch was not called.
	defaultRows  = 10_000
	defaultBytes = 16 << 20
)

// Source reads the queues of Options. It implements tidemill.Source and
// tidemill.Drainer.
type Source struct {
	conn Connection
	opts Options
	env  tidemill.Env
	log  *slog.Logger

	rows   int
	bytes  int64
	broker *broker
	drain  *drain    // nil where the source goes on without end
	given  time.Time // when Read returned last

	// mu guards what Ack and Read share. It is not held while Read waits.
	mu         sync.Mutex
	session    *session // nil while disconnected
	generation uint64   // of session
}

// token says up to where each channel of one connection was read.
type token struct {
	generation uint64
	tags       map[*consumer]uint64
}

var (
	_ tidemill.Source  = (*Source)(nil)
	_ tidemill.Drainer = (*Source)(nil)
)

// NewSource returns a source that has not connected yet.
func NewSource(conn Connection, opts Options, env tidemill.Env) *Source {
	return &Source{conn: conn, opts: opts, env: env, log: env.Log, rows: defaultRows, bytes: defaultBytes}
}

// SetBatch tells the source how large the batches are that its messages are
// committed in, which it takes two of ahead. It is called before Open.
func (s *Source) SetBatch(rows int, bytes int64) {
	if rows > 0 {
		s.rows = rows
	}
	if bytes > 0 {
		s.bytes = bytes
	}
}

// MaxMessage is the size in bytes above which messages are dead letters. The
// source hands such messages over all the same, whole; the pipeline, which
// must be told this limit, does not decode them.
func (s *Source) MaxMessage() int {
	if s.opts.MaxMessage <= 0 {
		return defaultMaxMessage
	}
	return int(s.opts.MaxMessage)
}

// Open connects and checks the queues. A broker that does not answer is
// tried again for some seconds. The marks are not used: the broker knows
// what was acknowledged.
func (s *Source) Open(ctx context.Context, _ []tidemill.Mark) error {
	if len(s.opts.Queues) == 0 {
		return &tidemill.Error{Code: tidemill.Invalid, Op: "read source", Err: errors.New("no queue is named"), Hint: "set queues: [NAME, ...] on the source"}
	}
	var err error
	if s.broker, err = newBroker(s.conn, s.env); err != nil {
		return err
	}
	return s.connect(ctx, atOpen)
}

// Read returns what has come, of all queues, without waiting for more; it
// waits while there is nothing.
func (s *Source) Read(ctx context.Context) (tidemill.Batch, error) {
	waited := !s.given.IsZero() && time.Since(s.given) > unwatched
	for {
		if s.drain.done() {
			return tidemill.Batch{}, io.EOF
		}
		err := s.subscribed()
		if err == nil {
			var b tidemill.Batch
			b, err = s.next(ctx)
			if err == nil {
				err = s.confirm(ctx, waited)
			}
			switch {
			case err == nil && len(b.Messages) > 0:
				s.given = time.Now()
				return b, nil
			case err == nil:
				continue // a drained queue turned out to be empty
			case ctx.Err() != nil:
				return tidemill.Batch{}, context.Cause(ctx)
			case errors.Is(err, io.EOF):
				return tidemill.Batch{}, err
			}
		}
		if err := s.reconnect(ctx, err); err != nil {
			return tidemill.Batch{}, err
		}
	}
}

// subscribed starts the consumers of a new connection.
func (s *Source) subscribed() error {
	if len(s.session.consumers) > 0 {
		return nil
	}
	return s.session.subscribe(s.opts.Queues, max(s.opts.Consumers, 1), newPace(s.opts.Prefetch, s.rows, s.bytes))
}

// next waits for one group and takes those that stand ready behind it.
func (s *Source) next(ctx context.Context) (tidemill.Batch, error) {
	var g group
	select {
	case g = <-s.session.out:
	case err := <-s.session.failed:
		return tidemill.Batch{}, err
	case <-s.drain.idle():
		return tidemill.Batch{}, s.drain.measureIdle(s)
	case <-ctx.Done():
		return tidemill.Batch{}, context.Cause(ctx)
	}
	b := tidemill.Batch{}
	t := token{generation: s.generation, tags: map[*consumer]uint64{}}
	for size := int64(0); ; {
		b.Messages = append(b.Messages, g.messages...)
		t.tags[g.from] = g.last
		s.drain.took(g.from.queue, len(g.messages))
		if size += g.bytes; size >= readBytes || len(b.Messages) >= readRows {
			break
		}
		select {
		case g = <-s.session.out:
			continue
		default:
		}
		break
	}
	b.Token = t
	return b, nil
}

// Ack acknowledges what was read up to a token of the present connection.
func (s *Source) Ack(_ context.Context, tok any) error {
	t, ok := tok.(token)
	if !ok {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.session == nil || t.generation != s.generation {
		return nil // its messages went back to their queues
	}
	for c, tag := range t.tags {
		if err := c.ch.Ack(tag, true); err != nil {
			// The channel is gone, and Read hears of it by itself.
			s.log.Debug("acknowledge", "queue", c.queue, "err", err)
			return nil
		}
		c.acked.Store(tag)
	}
	return nil
}

// Close disconnects. What was not acknowledged goes back to the queues.
func (s *Source) Close() error {
	s.disconnect()
	return nil
}

func (s *Source) disconnect() {
	s.mu.Lock()
	old := s.session
	s.session = nil
	s.mu.Unlock()
	if old != nil {
		old.close()
	}
}

// patience is how long failures are tried again that do not pass by
// themselves as a rule, and those that do; and how long the log is silent
// about it.
type patience struct{ lasting, passing, silence time.Duration }

var (
	// At the start a wrong name is told at once.
	atOpen = patience{passing: 10 * time.Second, silence: time.Second}

	// Later a queue may be about to be made again, or a broker be starting
	// whose users or queues are not there yet.
	afterLoss = patience{lasting: 30 * time.Second, passing: 1<<63 - 1, silence: 30 * time.Second}
)

// reconnect replaces a lost connection; cause is why it was lost.
func (s *Source) reconnect(ctx context.Context, cause error) error {
	s.disconnect()
	start := time.Now()
	s.log.Warn("connection to broker lost, connecting again", "broker", s.broker.name, "err", cause)
	if err := s.connect(ctx, afterLoss); err != nil {
		return err
	}
	s.log.Info("connected to broker again", "broker", s.broker.name, "after", time.Since(start).Round(time.Millisecond))
	return nil
}

// connect makes a session, again and again as p allows.
func (s *Source) connect(ctx context.Context, p patience) error {
	wait := retry.Policy{Base: 100 * time.Millisecond, Cap: 5 * time.Second}.Backoff()
	start, silent := time.Now(), 0
	tell := start.Add(p.silence)
	lasting := time.Time{} // since when the same kind of failure lasts
	for {
		err := s.attempt(ctx)
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if errors.Is(err, errSilent) {
			silent++
		}
		switch {
		case tidemill.Retryable(err):
			lasting = time.Time{}
			if time.Since(start) > p.passing {
				return err
			}
		case errors.Is(err, errSilent) && silent < 2: // a broker going down does so too
		case lasting.IsZero():
			lasting = time.Now()
			fallthrough
		default:
			if time.Since(lasting) >= p.lasting {
				return err
			}
		}
		if time.Now().After(tell) {
			tell = time.Now().Add(30 * time.Second)
			s.log.Warn("no connection to broker, trying again", "broker", s.broker.name, "since", time.Since(start).Round(time.Second), "err", err)
		}
		if err := retry.Sleep(ctx, wait.Next()); err != nil {
			return err
		}
	}
}

// attempt connects once and checks the queues.
func (s *Source) attempt(ctx context.Context) error {
	conn, err := s.broker.dial(ctx)
	if err != nil {
		return err
	}
	session := newSession(conn)
	depths := map[string]int{}
	for _, q := range s.opts.Queues {
		found, err := s.broker.inspect(conn, q, s.opts)
		if err != nil {
			session.close()
			return err
		}
		depths[q] = found.Messages
	}
	s.drain.restart(depths)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.session = session
	s.generation++
	return nil
}
