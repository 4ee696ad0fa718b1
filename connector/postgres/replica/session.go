package replica

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/tidemill/tidemill"
)

// session reads the stream over one connection. It reports whether the
// stream began.
func (s *Source) session(ctx context.Context) (streamed bool, err error) {
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
	stop := context.AfterFunc(ctx, w.wake)
	defer stop()
	s.mu.Lock()
	s.wire = w
	received, acked := s.pending.at.LSN, s.acked
	s.reached = received
	s.mu.Unlock()
	if err := w.report(received, acked, false); err != nil {
		return false, err
	}
	f := &feed{s: s, wire: w, catalog: catalog{dialer: s.config.Dialer}, binary: o.binary && o.server >= 14_00_00, tables: map[uint32]*table{}}
	defer f.catalog.close()
	err = f.run(ctx)
	if ctx.Err() != nil {
		s.mu.Lock()
		received, acked := s.reached, s.acked
		s.mu.Unlock()
		w.farewell(received, acked)
	}
	return true, err
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
func closeSoon(conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = conn.Close(ctx) // all that it did is done
}

// report tells the server regularly that we are there, and how far. The server
// answers, so that one that does not is gone.
func (s *Source) report(ctx context.Context) {
	every := 10 * time.Second
	if t := s.server.timeout / 3; t > 0 {
		every = min(every, t)
	}
	every = min(every, s.silence/3)
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
		drains := s.target != 0 && s.reached < s.target
		s.mu.Unlock()
		if w == nil {
			continue
		}
		if silent := w.silent(); silent > s.silence {
			s.log.Warn("the server has not answered, connecting again", "slot", s.config.Slot, "for", silent.Round(time.Second))
			w.close()
			continue
		}
		if !drains && time.Since(last) < every {
			continue
		}
		last = time.Now()
		if err := w.report(received, acked, true); err != nil {
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
