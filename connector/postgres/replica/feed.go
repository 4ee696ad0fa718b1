package replica

import (
	"context"
	"encoding/binary"
	"time"

	"github.com/tidemill/tidemill/connector/postgres/pgoutput"
	"github.com/tidemill/tidemill/internal/retry"
)

// feed reads one connection's stream into the pending batch of its source.
type feed struct {
	s       *Source
	wire    *wire
	catalog catalog
	binary  bool

	decoder   pgoutput.Decoder
	replayer  pgoutput.Decoder // of messages that were kept
	tables    map[uint32]*table
	held      held
	streamed  uint32 // the transaction whose run it is
	preparing uint32 // the transaction that is about to be prepared

	tx transaction

	answered time.Time // when a keepalive was answered last
}

// run reads until the connection fails or the context is done.
func (f *feed) run(ctx context.Context) error {
	defer f.held.clear()
	for {
		if !f.wire.more() {
			f.s.idle()
		}
		e, err := f.wire.next()
		if err != nil {
			return err
		}
		if e.message == nil {
			if err := f.keepalive(ctx, e); err != nil {
				return err
			}
			continue
		}
		if err := f.message(ctx, e.message); err != nil {
			return err
		}
	}
}

// keepalive learns that the server has sent all before a place in the log.
func (f *feed) keepalive(ctx context.Context, e event) error {
	s := f.s
	s.mu.Lock()
	s.reached = max(s.reached, e.reached)
	if s.pending.whole && s.pending.at.Tx == 0 {
		s.advance(f.held.bound(e.reached))
	}
	if e.reply {
		s.tick(0)
	}
	received, acked := s.reached, s.acked
	s.mu.Unlock()
	if !e.reply {
		return nil
	}
	if err := f.calm(ctx); err != nil {
		return err
	}
	return f.wire.report(received, acked, false)
}

// answerEvery is how often a server is answered that asks again and again: one
// that shuts down does, until all that it sent is committed.
const answerEvery = 100 * time.Millisecond

// calm slows answers down.
func (f *feed) calm(ctx context.Context) error {
	wait := answerEvery - time.Since(f.answered)
	f.answered = time.Now()
	if wait <= 0 {
		return nil
	}
	return retry.Sleep(ctx, wait)
}

// message takes a message of the plugin, or keeps it for later.
func (f *feed) message(ctx context.Context, b []byte) error {
	within := f.decoder.Streaming
	m, err := f.decoder.Decode(b)
	if err != nil {
		return err
	}
	switch m := m.(type) {
	case *pgoutput.StreamStart:
		f.streamed = m.XID
		return nil
	case *pgoutput.StreamStop:
		return nil
	case *pgoutput.StreamAbort:
		f.held.abort(m.XID, m.SubXID)
		return nil
	case *pgoutput.StreamCommit:
		return f.replay(ctx, m.XID, m.Commit, m.End, m.Time)
	case *pgoutput.BeginPrepare:
		f.preparing = m.XID
		return nil
	case *pgoutput.Prepare:
		f.preparing = 0
		return f.held.prepare(m.XID, m.Prepare)
	case *pgoutput.CommitPrepared:
		return f.replay(ctx, m.XID, m.Commit, m.End, m.Time)
	case *pgoutput.RollbackPrepared:
		f.held.drop(m.XID)
		f.pass(m.End)
		return nil
	}
	switch {
	case within && len(b) >= 5:
		return f.held.write(f.streamed, binary.BigEndian.Uint32(b[1:]), true, b)
	case f.preparing != 0:
		if r, ok := m.(*pgoutput.Relation); ok {
			// The server tells it only once, also for what follows.
			if err := f.describe(ctx, r); err != nil {
				return err
			}
		}
		return f.held.write(f.preparing, f.preparing, false, b)
	}
	return f.apply(ctx, m, b)
}

// replay hands a transaction over that was kept until its commit.
func (f *feed) replay(ctx context.Context, xid uint32, commit, end lsn, at time.Time) error {
	if err := f.begin(commit, at); err != nil {
		return err
	}
	if f.tx.skip == skipAll {
		f.held.drop(xid)
		f.end(end)
		return nil
	}
	err := f.held.replay(xid, func(b []byte, streamed bool) error {
		f.replayer.Streaming = streamed
		m, err := f.replayer.Decode(b)
		if err != nil {
			return err
		}
		return f.apply(ctx, m, b)
	})
	if err != nil {
		return err
	}
	f.end(end)
	return nil
}

// apply takes a message of a transaction that is committed.
func (f *feed) apply(ctx context.Context, m pgoutput.Message, b []byte) error {
	switch m := m.(type) {
	case *pgoutput.Begin:
		return f.begin(m.Commit, m.Time)
	case *pgoutput.Commit:
		f.end(m.End)
	case *pgoutput.Relation:
		return f.describe(ctx, m)
	case *pgoutput.Insert:
		return f.change(ctx, m.Relation, m, b)
	case *pgoutput.Update:
		return f.change(ctx, m.Relation, m, b)
	case *pgoutput.Delete:
		return f.change(ctx, m.Relation, m, b)
	case *pgoutput.Truncate:
		for _, id := range m.Relations {
			if err := f.change(ctx, id, m, b); err != nil {
				return err
			}
		}
	}
	return nil // messages, types and origins say nothing of rows
}
