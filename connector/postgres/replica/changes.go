package replica

import (
	"context"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/connector/postgres/pgoutput"
)

// put adds a change to the batch. An error is of a value that its column
// cannot hold.
func (f *feed) put(t *table, m pgoutput.Message, moved bool) error {
	switch m := m.(type) {
	case *pgoutput.Insert:
		return f.insert(t, m.New)
	case *pgoutput.Delete:
		return f.add(t, tidemill.OpDelete, 0, m.Old)
	case *pgoutput.Truncate:
		return f.add(t, tidemill.OpTruncate, 0, nil)
	case *pgoutput.Update:
		if !moved {
			return f.add(t, tidemill.OpUpdate, 0, m.New)
		}
		if err := f.add(t, tidemill.OpDelete, 0, m.Old); err != nil {
			return err
		}
		return f.add(t, tidemill.OpInsert, 1, m.New)
	}
	return nil
}

// insert adds a new row or the message that it is.
func (f *feed) insert(t *table, values []pgoutput.Value) error {
	if t.outbox == nil {
		return f.add(t, tidemill.OpInsert, 0, values)
	}
	m, err := t.outbox.message(values, f.tx.time)
	if err != nil {
		return err
	}
	p := &f.s.pending
	p.messages = append(p.messages, m)
	p.rows++
	return nil
}

// merge completes a changed row from its old one. It reports whether the key
// has changed: then the old key goes and the new one comes.
func (f *feed) merge(ctx context.Context, t *table, m *pgoutput.Update) (moved bool, _ error) {
	if t.outbox != nil {
		return false, nil
	}
	moved = t.moved(m.Old, m.New)
	fill(m.New, m.Old)
	if !moved {
		return false, nil
	}
	return true, f.complete(ctx, t, m.New)
}

// add appends a row to the batch. Second is 1 for the second row of one
// change.
func (f *feed) add(t *table, op tidemill.Op, second uint64, values []pgoutput.Value) error {
	if t.outbox != nil {
		f.tell(t, op)
		return nil
	}
	c := row{op: op, version: version(f.s.pending.at.Epoch, f.tx.commit, 2*f.tx.changes+second), time: f.tx.time, values: values}
	if err := t.rows.add(t, c); err != nil {
		return err
	}
	f.s.pending.rows++
	return nil
}

// tell logs, once a connection, that a table of messages has changes that are
// none.
func (f *feed) tell(t *table, op tidemill.Op) {
	f.s.ignored++
	if t.told {
		return
	}
	t.told = true
	f.s.log.Warn("a row of messages was changed, which is not read: only inserted rows are messages", "table", t.stream, "change", op)
}
