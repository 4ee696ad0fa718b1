package replica

import (
	"context"
	"fmt"
	"time"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/connector/postgres/pgoutput"
	"github.com/tidemill/tidemill/internal/canon"
)

// transaction is the one whose changes are handed over.
type transaction struct {
	commit  lsn
	time    time.Time
	changes uint64 // so far
	skip    uint64 // changes that were handed over before
}

// skipAll is the skip of a transaction that was handed over whole.
const skipAll = 1<<64 - 1

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
