package replica

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

// Source follows one slot. It implements tidemill.Source and
// tidemill.Drainer.
type Source struct {
	config Config
	log    *slog.Logger
	rows   int
	bytes  int64

	server   server
	snapshot *snapshot // nil where the stream is read

	cancel  context.CancelFunc
	work    sync.WaitGroup
	silence time.Duration // of the server that is a lost connection
	wake    chan struct{} // a read may find something
	space   chan struct{} // a read has taken the batch

	// mu guards what follows.
	mu      sync.Mutex
	pending pending
	failed  error // final
	busy    bool  // more has come than was looked at
	text    bool  // a table needs the text form of values
	wire    *wire // nil while disconnected

	marked   tidemill.Position // the position of the last mark
	markedAt time.Time
	taken    time.Time // when a read took a batch last
	reached  lsn       // all before it was received
	acked    lsn       // all before it is committed
	target   lsn       // where to end, 0 where the source goes on
	ignored  int64     // changes of messages that are none
}

var (
	_ tidemill.Source  = (*Source)(nil)
	_ tidemill.Drainer = (*Source)(nil)
)

// silence is how long a server that was asked may not answer.
const silence = time.Minute

// NewSource returns a source that has not connected yet.
func NewSource(config Config, log *slog.Logger) *Source {
	if config.Heartbeat == 0 {
		config.Heartbeat = defaultHeartbeat
	}
	return &Source{
		config: config, log: log, rows: defaultRows, bytes: defaultBytes, silence: silence,
		wake: make(chan struct{}, 1), space: make(chan struct{}, 1),
	}
}

// SetBatch tells the source how large the batches are that its records are
// committed in. One Read returns at most that. It is called before Open.
func (s *Source) SetBatch(rows int, bytes int64) {
	if rows > 0 {
		s.rows = rows
	}
	if bytes > 0 {
		s.bytes = bytes
	}
}

// scope is the scope of the slot's marks.
func (s *Source) scope() string { return "slot " + s.config.Slot }

// Open looks at the server, makes slot and publication where it may, and
// decides what comes first, the snapshot or the stream. A server that does
// not answer is tried again for some seconds.
func (s *Source) Open(ctx context.Context, from []tidemill.Mark) error {
	if err := s.config.complete(); err != nil {
		return err
	}
	var stored *position
	for _, m := range from {
		if m.Scope == s.scope() {
			p, err := decodePosition(m.To)
			if err != nil {
				return err
			}
			stored, s.marked = &p, m.To
		}
	}
	var inside context.Context
	inside, s.cancel = context.WithCancel(context.WithoutCancel(ctx))
	err := retry.Do(ctx, retry.Policy{Elapsed: 10 * time.Second, Cap: time.Second}, func(ctx context.Context) error {
		return s.prepare(ctx, stored, from)
	})
	if err != nil {
		return err
	}
	s.pending.whole, s.markedAt = true, time.Now()
	if s.snapshot == nil {
		s.follow(inside)
	} else {
		s.snapshot.after = func() { s.follow(inside) }
	}
	return nil
}

// follow starts to read the stream.
func (s *Source) follow(ctx context.Context) {
	s.mu.Lock()
	s.acked = s.pending.at.LSN
	s.mu.Unlock()
	s.work.Go(func() { s.receive(ctx) })
	s.work.Go(func() { s.report(ctx) })
	s.work.Go(func() { s.pulse(ctx) })
}

// Read returns the changes that have come, at most a batch of them, and waits
// while there are none.
func (s *Source) Read(ctx context.Context) (tidemill.Batch, error) {
	if s.snapshot != nil && !s.snapshot.done {
		b, err := s.readSnapshot(ctx)
		if !errors.Is(err, io.EOF) {
			return b, err
		}
	}
	for {
		b, wait, err := s.poll()
		if err != nil || wait == 0 {
			return b, err
		}
		timer := time.NewTimer(wait)
		select {
		case <-s.wake:
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
		if ctx.Err() != nil {
			return tidemill.Batch{}, context.Cause(ctx)
		}
	}
}

// forever is longer than any wait.
const forever = time.Hour

// poll returns what is there, or how long to wait for it.
func (s *Source) poll() (b tidemill.Batch, wait time.Duration, _ error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	ready, wait := s.ready()
	switch {
	case ready && s.drained() && s.pending.empty() && string(s.pending.at.encode()) == string(s.marked):
		return b, 0, io.EOF
	case ready:
		return s.hand(), 0, nil
	case s.failed != nil:
		return b, 0, s.failed
	case wait > 0:
		return b, wait, nil
	}
	return b, forever, nil
}

// Ack lets the server forget what came before the batch of tok ended, as far
// as its transactions are whole.
func (s *Source) Ack(ctx context.Context, tok any) error {
	switch t := tok.(type) {
	case snapshotToken:
		return s.snapshot.ack(ctx, t)
	case token:
		s.mu.Lock()
		s.acked = max(s.acked, t.lsn)
		w, received, acked := s.wire, s.reached, s.acked
		s.mu.Unlock()
		if w == nil {
			return nil // the next connection tells
		}
		if err := w.report(received, acked, false); err != nil {
			s.log.Debug("report to the server", "err", err) // the one that receives hears of it
		}
	}
	return nil
}

// Close disconnects.
func (s *Source) Close() error {
	if s.cancel == nil {
		return nil
	}
	s.cancel()
	s.work.Wait()
	var err error
	if s.snapshot != nil {
		err = s.snapshot.close()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pending.release()
	return err
}

// Drain makes Read end where the log of the server ends now.
func (s *Source) Drain(ctx context.Context) error {
	at, err := s.now(ctx)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.target = at
	return nil
}

// now returns where the log of the server ends.
func (s *Source) now(ctx context.Context) (lsn, error) {
	conn, err := s.config.Dialer.Connect(ctx)
	if err != nil {
		return 0, err
	}
	at, err := current(ctx, conn)
	return at, errors.Join(s.explain(err), conn.Close(ctx))
}

// explain gives an error of a statement its code and hint.
func (s *Source) explain(err error) error {
	if err == nil {
		return nil
	}
	return s.config.Dialer.Explain(err)
}
