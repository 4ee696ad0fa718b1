package replica

import (
	"context"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/connector/postgres/pgoutput"
	"github.com/tidemill/tidemill/internal/canon"
	"github.com/tidemill/tidemill/internal/retry"
)

// feed reads one connection's stream into the pending batch of its source.
type feed struct {
	s      *Source
	wire   *wire
	sql    *pgx.Conn // for the catalog
	binary bool

	decoder   pgoutput.Decoder
	replayer  pgoutput.Decoder // of messages that were kept
	tables    map[uint32]*table
	held      held
	streamed  uint32 // the transaction whose run it is
	preparing uint32 // the transaction that is about to be prepared

	tx transaction

	answered time.Time // when a keepalive was answered last
}

// transaction is the one whose changes are handed over.
type transaction struct {
	commit  lsn
	time    time.Time
	changes uint64 // so far
	skip    uint64 // changes that were handed over before
}

// skipAll is the skip of a transaction that was handed over whole.
const skipAll = 1<<64 - 1

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

// begin starts a transaction, of which a part may have been handed over.
func (f *feed) begin(commit lsn, at time.Time) error {
	s := f.s
	s.mu.Lock()
	defer s.mu.Unlock()
	f.tx = transaction{commit: commit, time: at}
	switch {
	case commit <= s.pending.at.Done:
		f.tx.skip = skipAll
	case commit == s.pending.at.Tx:
		f.tx.skip = s.pending.at.Changes
	case s.pending.at.Tx != 0:
		return fmt.Errorf("the transaction of %s was handed over in part, but the server goes on with that of %s", s.pending.at.Tx, commit)
	}
	return nil
}

// end notes that the transaction was read whole.
func (f *feed) end(end lsn) {
	s := f.s
	s.mu.Lock()
	at := &s.pending.at
	if f.tx.skip != skipAll {
		at.Done, at.Tx, at.Changes = f.tx.commit, 0, 0
		s.pending.whole = true
	}
	if at.Tx == 0 {
		at.LSN = max(at.LSN, f.held.bound(end))
		s.reached = max(s.reached, end)
		s.tick(s.config.Heartbeat)
	}
	full := s.full()
	s.mu.Unlock()
	if full {
		signal(s.wake)
	}
}

// pass notes a place in the log at which nothing is left to hand over.
func (f *feed) pass(end lsn) {
	f.s.mu.Lock()
	defer f.s.mu.Unlock()
	f.s.reached = max(f.s.reached, end)
	if f.s.pending.whole && f.s.pending.at.Tx == 0 {
		f.s.advance(f.held.bound(end))
	}
}

// change counts a change of a table and, where it is new, adds it. It waits
// while the batch is full.
func (f *feed) change(ctx context.Context, relation uint32, m pgoutput.Message, b []byte) error {
	f.tx.changes++
	if f.tx.changes <= f.tx.skip {
		return nil
	}
	t := f.tables[relation]
	if t == nil {
		return fmt.Errorf("a change of table %d, which the server has not described", relation)
	}
	if t.skip {
		return nil
	}
	if err := f.s.room(ctx); err != nil {
		return err
	}
	update, _ := m.(*pgoutput.Update)
	moved := false
	if update != nil && update.OldKind != pgoutput.OldNone {
		var err error
		if moved, err = f.merge(ctx, t, update); err != nil {
			return err
		}
	}
	f.s.mu.Lock()
	defer f.s.mu.Unlock()
	p := &f.s.pending
	f.s.busy = true
	if t.outbox == nil && t.rows.n == 0 {
		p.tables = append(p.tables, t)
	}
	if err := f.put(t, m, moved); err != nil {
		f.bury(t, b, err)
	}
	if t.outbox == nil && t.rows.n == 0 {
		p.tables = p.tables[:len(p.tables)-1]
	}
	p.bytes += int64(len(b))
	p.whole = false
	p.at.Tx, p.at.Changes = f.tx.commit, f.tx.changes
	if f.s.full() {
		signal(f.s.wake)
	}
	return nil
}

// bury makes a dead letter of a change, with the bytes that the server sent.
func (f *feed) bury(t *table, b []byte, cause error) {
	m := tidemill.Message{
		Source: t.stream, ID: fmt.Sprintf("%s/%d", f.tx.commit, f.tx.changes), Type: t.stream, Value: append([]byte{}, b...), Time: f.tx.time,
		Meta: map[string]string{"format": "pgoutput", "lsn": f.tx.commit.String(), "change": fmt.Sprint(f.tx.changes)},
	}
	p := &f.s.pending
	p.dead = append(p.dead, tidemill.DeadLetter{
		Message: m, Delivery: canon.Delivery(m.Source, m.Type, m.ID, m.Value),
		Code: tidemill.SchemaIncompatible, Reason: cause.Error(),
	})
	p.rows++
}
