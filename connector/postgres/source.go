package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/connector/postgres/replica"
	"github.com/tidemill/tidemill/internal/retry"
)

const (
	// Batch limits where SetBatch was not called, and the most that one Read
	// returns: workers hold one batch each while another one waits.
	defaultRows = 10_000
	mostBytes   = 4 << 20

	// openWithin is how long Open tries a server that does not answer.
	openWithin = 10 * time.Second
)

// Source reads what Options says. It implements tidemill.Source and
// tidemill.Drainer.
type Source struct {
	conn Connection
	opts Options
	env  tidemill.Env

	rows     int
	bytes    int64
	pipeline string
	exported string          // the server's snapshot to read in; "" is any
	changes  *replica.Source // of mode cdc

	marks  map[string]tidemill.Position
	reader reader
	meter  *meter
	wait   *retry.Backoff
}

// reader is one mode.
type reader interface {
	// next is Read without its second tries: after a Retryable error it is
	// called again.
	next(ctx context.Context) (tidemill.Batch, error)
	// drain makes next end with io.EOF.
	drain()
	close() error
}

var (
	_ tidemill.Source  = (*Source)(nil)
	_ tidemill.Drainer = (*Source)(nil)
)

// NewSource returns a source that has not connected yet.
func NewSource(conn Connection, opts Options, env tidemill.Env) *Source {
	if env.Log == nil {
		env.Log = slog.New(slog.DiscardHandler)
	}
	return &Source{conn: conn, opts: opts, env: env, rows: defaultRows, bytes: mostBytes, meter: new(meter), wait: retry.Policy{}.Backoff()}
}

// SetBatch tells the source how large the batches are that its rows are
// committed in. It is called before Open.
func (s *Source) SetBatch(rows int, bytes int64) {
	if rows > 0 {
		s.rows = rows
	}
	if bytes > 0 {
		s.bytes = min(bytes, mostBytes)
	}
}

// SetPipeline tells the source whose it is: the slot that a pipeline makes is
// named after it. It is called before Open.
func (s *Source) SetPipeline(name string) { s.pipeline = name }

// Open connects and looks at what is to be read. A server that does not
// answer is tried again for some seconds. Of a snapshot that the marks say
// was read, it asks no server.
func (s *Source) Open(ctx context.Context, from []tidemill.Mark) error {
	var err error
	if s.opts, err = s.opts.checked(); err != nil {
		return err
	}
	s.marks = map[string]tidemill.Position{}
	for _, m := range from {
		s.marks[m.Scope] = m.To
	}
	if s.opts.Mode == modeSnapshot {
		done, err := complete(s.marks, s.opts)
		if err != nil {
			return err
		}
		if done {
			s.env.Log.Info("snapshot was read before: nothing to do")
			s.reader = nothing{}
			return nil
		}
	}
	srv, err := newServer(s.conn, s.env)
	if err != nil {
		return err
	}
	if s.opts.Mode == modeCDC {
		return s.follow(ctx, srv, from)
	}
	return retry.Do(ctx, retry.Policy{Elapsed: openWithin, Cap: time.Second}, func(ctx context.Context) error {
		return s.start(ctx, srv)
	})
}

// start looks at the tables and makes the reader.
func (s *Source) start(ctx context.Context, srv *server) error {
	if s.opts.Mode == modeIncremental {
		r := &incremental{server: srv, opts: s.opts, log: s.env.Log, rows: s.rows, bytes: s.bytes, marks: s.marks, meter: s.meter}
		if err := r.connect(ctx); err != nil {
			return err
		}
		s.reader = r
		return nil
	}
	r := &snapshot{server: srv, opts: s.opts, log: s.env.Log, rows: s.rows, bytes: s.bytes, marks: s.marks, meter: s.meter, exported: s.exported}
	if err := r.begin(ctx); err != nil {
		return err
	}
	s.reader = r
	return nil
}

// Read returns rows of one table, or messages, with the marks that lead
// behind them. It connects again for as long as it takes.
func (s *Source) Read(ctx context.Context) (tidemill.Batch, error) {
	for {
		b, err := s.reader.next(ctx)
		switch {
		case err == nil:
			s.wait.Reset()
			return b, nil
		case ctx.Err() != nil:
			return tidemill.Batch{}, context.Cause(ctx)
		case errors.Is(err, io.EOF) || !tidemill.Retryable(err):
			return tidemill.Batch{}, err
		}
		d := s.wait.Next()
		s.env.Log.Warn("lost the database; trying again", "error", err, "wait", d.Round(time.Millisecond))
		if err := retry.Sleep(ctx, d); err != nil {
			return tidemill.Batch{}, err
		}
	}
}

// Ack lets the slot of mode cdc advance. Of other modes the marks are all
// that tells where to go on.
func (s *Source) Ack(ctx context.Context, token any) error {
	if s.changes != nil {
		return s.changes.Ack(ctx, token)
	}
	return nil
}

// Drain makes Read end after what there is now.
func (s *Source) Drain(ctx context.Context) error {
	if s.changes != nil {
		return s.changes.Drain(ctx)
	}
	s.reader.drain()
	return nil
}

// Progress tells how far a snapshot is. It may be called from any goroutine.
func (s *Source) Progress() Progress { return s.meter.progress() }

// Close ends what is under way and disconnects.
func (s *Source) Close() error {
	if s.reader == nil {
		return nil
	}
	return s.reader.close()
}

// nothing is the reader where all was read before.
type nothing struct{}

func (nothing) next(context.Context) (tidemill.Batch, error) { return tidemill.Batch{}, io.EOF }
func (nothing) drain()                                       {}
func (nothing) close() error                                 { return nil }

// drain does nothing: a snapshot ends by itself.
func (r *snapshot) drain() {}

// readable reports tables that the role may not read.
func (s *server) readable(tables []*table) error {
	var denied []string
	for _, t := range tables {
		if !t.mayRead {
			denied = append(denied, t.name.String())
		}
	}
	if len(denied) == 0 {
		return nil
	}
	role := quoted(s.config.User)
	return s.wrap(tidemill.Denied, fmt.Errorf("permission denied for %s", strings.Join(denied, ", ")),
		fmt.Sprintf("GRANT SELECT ON %s TO %s, and USAGE on the schema", strings.Join(denied, ", "), role))
}
