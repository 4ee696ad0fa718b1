package sqs

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

	// groupsAhead is how many receives may wait for Read; the hand bounds
	// their messages.
	groupsAhead = 1024
)

// Source reads the queues of Options. It implements tidemill.Source and
// tidemill.Drainer.
type Source struct {
	conn Connection
	opts Options
	log  *slog.Logger

	rows   int
	bytes  int64
	client *client
	queues []*queue
	hand   *hand
	drain  *drain // nil where the source goes on without end

	// patience is how long receives may fail in a way that does not pass by
	// itself: a queue may be about to be made again, or a policy be changed.
	patience time.Duration

	// deletion bounds the attempts to delete what was committed. What is left
	// then comes again and is recognised, while a commit that waits longer
	// would hold up the others.
	deletion time.Duration

	begun  sync.Once
	out    chan []*held // of one receive each; closed when a drain has ended
	failed chan error   // holds the first final error
	wg     sync.WaitGroup

	ctx       context.Context // until Close begins
	cancel    context.CancelFunc
	calls     context.Context // until Close gives up calls under way
	stopCalls context.CancelFunc
}

var (
	_ tidemill.Source  = (*Source)(nil)
	_ tidemill.Drainer = (*Source)(nil)
)

// NewSource returns a source that has called nobody yet.
func NewSource(conn Connection, opts Options, env tidemill.Env) *Source {
	s := &Source{
		conn: conn, opts: opts.withDefaults(), log: env.Log, rows: defaultRows, bytes: defaultBytes,
		patience: 30 * time.Second, deletion: 30 * time.Second,
		out: make(chan []*held, groupsAhead), failed: make(chan error, 1),
	}
	s.calls, s.stopCalls = context.WithCancel(context.Background())
	s.ctx, s.cancel = context.WithCancel(s.calls)
	return s
}

// SetBatch tells the source how large the batches are that its messages are
// committed in, of which it holds two. It is called before Open.
func (s *Source) SetBatch(rows int, bytes int64) {
	if rows > 0 {
		s.rows = rows
	}
	if bytes > 0 {
		s.bytes = bytes
	}
}

// Open finds the queues. A service that does not answer is tried again for
// some seconds. The marks are not used: the queue knows what was deleted.
func (s *Source) Open(ctx context.Context, _ []tidemill.Mark) error {
	if len(s.opts.Queues) == 0 {
		return &tidemill.Error{Code: tidemill.Invalid, Op: "read source", Err: errors.New("no queue is named"), Hint: "set queues: [NAME, ...] on the source"}
	}
	s.hand = newHand(s.rows, s.bytes)
	var err error
	if s.client, err = newClient(ctx, s.conn, 2*s.opts.Receivers*len(s.opts.Queues)); err != nil {
		return err
	}
	for _, name := range s.opts.Queues {
		var q *queue
		err := retry.Do(ctx, retry.Policy{Cap: 2 * time.Second, Elapsed: 10 * time.Second}, func(ctx context.Context) (err error) {
			q, err = s.client.find(ctx, name)
			return err
		})
		if err != nil {
			return err
		}
		s.queues = append(s.queues, q)
	}
	return nil
}

// start begins to receive, at the first Read: Drain comes before it.
func (s *Source) start() {
	var receivers sync.WaitGroup
	for _, q := range s.queues {
		for i := range s.opts.Receivers {
			receivers.Go(func() { s.receive(q, i > 0) })
		}
	}
	s.wg.Go(func() {
		receivers.Wait()
		close(s.out)
	})
	s.wg.Go(s.extend)
}

// token is the messages of one Read.
type token struct {
	of   *Source
	held []*held
}

// Read returns what has come, of all queues, without waiting for more; it
// waits while there is nothing.
func (s *Source) Read(ctx context.Context) (tidemill.Batch, error) {
	s.begun.Do(s.start)
	var group []*held
	var ok bool
	select {
	case group, ok = <-s.out:
	case err := <-s.failed:
		s.failed <- err // it is final
		return tidemill.Batch{}, err
	case <-ctx.Done():
		return tidemill.Batch{}, context.Cause(ctx)
	}
	b, t := tidemill.Batch{}, &token{of: s}
	for size := int64(0); ok; {
		for _, m := range group {
			size += m.size
			if m.dead != nil {
				b.Dead = append(b.Dead, *m.dead)
			} else {
				b.Messages = append(b.Messages, m.message)
			}
			m.message, m.dead = tidemill.Message{}, nil // the pipeline's from here
		}
		t.held = append(t.held, group...)
		if size >= readBytes || len(t.held) >= readRows {
			break
		}
		select {
		case group, ok = <-s.out: // an end shows again at the next Read
			continue
		default:
		}
		break
	}
	if len(t.held) == 0 {
		return b, s.end()
	}
	b.Token = t
	return b, nil
}

// end is why no more comes: a final error, or the end of a drain.
func (s *Source) end() error {
	select {
	case err := <-s.failed:
		s.failed <- err
		return err
	default:
		return io.EOF
	}
}

// fail makes Read return err.
func (s *Source) fail(err error) {
	select {
	case s.failed <- err:
	default: // an earlier reason is the one to tell
	}
}

// closeGrace is what Close gives a receive under way where messages were
// released: it takes some of them before it is cut off, and those are then
// released too rather than hidden for the whole visibility timeout.
const closeGrace = time.Second

// Close stops receiving. What was not acknowledged becomes visible again at
// once; where the service does not answer, when its visibility timeout ends.
func (s *Source) Close() error {
	s.cancel()
	defer s.stopCalls()
	if s.client == nil {
		return nil
	}
	defer s.client.close()
	ended := make(chan struct{})
	go func() {
		s.wg.Wait()
		close(ended)
	}()
	if s.release() {
		select {
		case <-ended:
		case <-time.After(closeGrace):
		}
	}
	s.stopCalls()
	<-ended
	s.release()
	return nil
}
