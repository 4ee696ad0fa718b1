package replica

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/internal/retry"
)

// takeOver is how long a slot may be in use by another: a process that was
// killed counts until the server notices.
const takeOver = 90 * time.Second

// receive reads the stream until ctx is done, over as many connections as
// that takes.
func (s *Source) receive(ctx context.Context) {
	wait := retry.Policy{Base: 100 * time.Millisecond, Cap: 5 * time.Second}.Backoff()
	var since, told time.Time
	for {
		began := time.Now()
		streamed, err := s.session(ctx)
		if ctx.Err() != nil {
			return
		}
		s.cut()
		if errors.Is(err, errText) {
			s.mu.Lock()
			s.text = true
			s.mu.Unlock()
			continue
		}
		if streamed || since.IsZero() {
			since = began
		}
		if streamed {
			wait.Reset()
		}
		used := inUse(err)
		if !used && !lost(err) || used && time.Since(since) > takeOver {
			s.fail(s.final(ctx, err))
			return
		}
		if time.Since(told) > 30*time.Second {
			told = time.Now()
			s.log.Warn("the stream of changes was interrupted, connecting again", "slot", s.config.Slot, "err", err)
		}
		if retry.Sleep(ctx, wait.Next()) != nil {
			return
		}
	}
}

// fail makes reads end with err.
func (s *Source) fail(err error) {
	s.mu.Lock()
	s.failed = err
	s.mu.Unlock()
	signal(s.wake)
}

// cut ends the batch where the connection was lost: what came of the
// transaction at hand is committed, and the rest comes again.
func (s *Source) cut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wire = nil
	s.pending.whole = true
}

// session reads the stream over one connection. It reports whether the
// stream began.
func (s *Source) session(ctx context.Context) (streamed bool, err error) {
	sql, err := s.config.Dialer.Connect(ctx)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, closeSoon(sql)) }()
	conn, err := s.config.Dialer.ConnectReplication(ctx)
	if err != nil {
		return false, err
	}
	if err := s.same(ctx, conn); err != nil {
		return false, errors.Join(err, conn.Close(ctx))
	}
	s.mu.Lock()
	o := streaming{
		slot: s.config.Slot, publication: s.config.Publication, from: s.pending.at.LSN, server: s.server.version,
		binary: !s.text && s.config.Message.Value == "", messages: true, twoPhase: s.server.twoPhase,
	}
	s.mu.Unlock()
	w, err := start(ctx, conn, o)
	if err != nil {
		return false, errors.Join(err, conn.Close(ctx))
	}
	defer w.close()
	stop := context.AfterFunc(ctx, w.close)
	defer stop()
	s.mu.Lock()
	s.wire = w
	received, acked := s.pending.at.LSN, s.acked
	s.reached = received
	s.mu.Unlock()
	if err := w.report(received, acked, false); err != nil {
		return false, err
	}
	f := &feed{s: s, wire: w, sql: sql, binary: o.binary && o.server >= 14_00_00, tables: map[uint32]*table{}}
	return true, f.run(ctx)
}

// same checks that the server is still the one that was opened.
func (s *Source) same(ctx context.Context, conn *pgconn.PgConn) error {
	system, timeline, err := identify(ctx, conn)
	if err != nil {
		return err
	}
	s.mu.Lock()
	at := s.pending.at
	s.mu.Unlock()
	if system != at.System || timeline != at.Timeline {
		return &tidemill.Error{
			Code: tidemill.Unavailable, Op: "follow slot " + s.config.Slot,
			Err:  fmt.Errorf("the server is another one than before: system %s, timeline %d, not %s, %d", system, timeline, at.System, at.Timeline),
			Hint: "start the pipeline again, which then looks at what the new server has",
		}
	}
	return nil
}

// closeSoon closes a connection without waiting for long.
func closeSoon(conn *pgx.Conn) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = conn.Close(ctx) // all that it did is done
	return nil
}

// inUse reports whether another process reads the slot.
func inUse(err error) bool {
	var said *pgconn.PgError
	return errors.As(err, &said) && said.Code == "55006"
}

// lost reports whether err may pass by connecting again.
func lost(err error) bool {
	if tidemill.Retryable(err) {
		return true
	}
	if tidemill.CodeOf(err) != "" {
		return false
	}
	return isLost(err)
}

// final explains an error after which the stream cannot go on.
func (s *Source) final(ctx context.Context, err error) error {
	if inUse(err) {
		return &tidemill.Error{
			Code: tidemill.Unavailable, Op: "follow slot " + s.config.Slot, Err: err,
			Hint: "end the other process that reads it, or give each pipeline a slot of its own",
		}
	}
	var said *pgconn.PgError
	if !errors.As(err, &said) {
		return err
	}
	if again := s.inspect(ctx); tidemill.CodeOf(again) != "" {
		return again // the slot or the publication tell more
	}
	return s.explain(err)
}

// report tells the server regularly that we are there, and how far.
func (s *Source) report(ctx context.Context) {
	every := 10 * time.Second
	if t := s.server.timeout / 3; t > 0 {
		every = min(every, t)
	}
	const look = 50 * time.Millisecond // while it is read to an end
	tick := time.NewTicker(look)
	defer tick.Stop()
	last := time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		s.mu.Lock()
		w, received, acked := s.wire, s.reached, s.acked
		ask := s.target != 0 && s.reached < s.target
		s.mu.Unlock()
		if w == nil || !ask && time.Since(last) < every {
			continue
		}
		last = time.Now()
		if err := w.report(received, acked, ask); err != nil {
			s.log.Debug("report to the server", "err", err) // the one that receives hears of it
		}
	}
}

// room waits until the batch has room for a row.
func (s *Source) room(ctx context.Context) error {
	for {
		s.mu.Lock()
		full := s.full()
		s.mu.Unlock()
		if !full {
			return nil
		}
		signal(s.wake)
		select {
		case <-s.space:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// idle notes that all that has come was looked at.
func (s *Source) idle() {
	s.mu.Lock()
	s.busy = false
	wake := s.pending.whole && !s.pending.empty() || s.drained()
	s.mu.Unlock()
	if wake {
		signal(s.wake)
	}
}

// advance moves the position where no transaction is being handed over.
func (s *Source) advance(to lsn) {
	s.pending.at.LSN = max(s.pending.at.LSN, to)
	s.tick(s.config.Heartbeat)
}

// tick has the position committed after a while in which no row came.
func (s *Source) tick(while time.Duration) {
	if s.pending.empty() && s.pending.whole && time.Since(s.markedAt) >= while && string(s.pending.at.encode()) != string(s.marked) {
		s.pending.due = true
		signal(s.wake)
	}
}
