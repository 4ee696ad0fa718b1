package tidetest

import (
	"bytes"
	"strconv"

	"github.com/tidemill/tidemill"
)

// take holds a batch to the contract and keeps it for its commit.
func (l *life) take(b tidemill.Batch) {
	l.Helper()
	defer releaseParts(b)
	h := held{marks: b.Marks, token: b.Token}
	for _, m := range b.Marks {
		if !bytes.Equal(l.at[m.Scope], m.From) {
			l.Errorf("a mark of %s begins at %q, and the last one ended at %q", m.Scope, m.From, l.at[m.Scope])
		}
		l.at[m.Scope] = m.To
	}
	for _, m := range b.Messages {
		h.ids = append(h.ids, l.MessageID(m))
		l.meet(l.MessageID(m), m.Redelivered)
	}
	for _, d := range b.Dead {
		h.ids = append(h.ids, l.MessageID(d.Message))
		l.meet(l.MessageID(d.Message), d.Message.Redelivered)
	}
	for _, p := range b.Parts {
		for _, id := range l.RecordIDs(p) {
			h.ids = append(h.ids, id)
			l.meet(id, false)
		}
	}
	if l.Positioned && len(h.ids) > 0 && len(h.marks) == 0 {
		l.Errorf("a batch of %d rows has no mark", len(h.ids))
	}
	l.pending = append(l.pending, h)
}

// meet judges one message or row by what was seen of it before.
func (l *life) meet(id string, again bool) {
	l.Helper()
	n, err := strconv.Atoi(id)
	switch {
	case err != nil || n < 1 || n > l.put:
		l.Errorf("id %q was never put", id)
		return
	case l.Positioned && l.ledger.rows[id]:
		l.Errorf("%s came again after its position was committed", id)
	case l.Positioned && l.seen[id]:
		l.Errorf("%s came twice from one source", id)
	case !l.Positioned && l.ledger.acked[id]:
		l.Errorf("%s came again after it was acknowledged", id)
	case !l.Positioned && l.met[id] && !again:
		l.Errorf("%s came again, not marked as redelivered", id)
	}
	if l.Ordered && (l.Positioned || !again) {
		if n < l.newest {
			l.Errorf("%s came after %d", id, l.newest)
		}
		l.newest = n
	}
	l.seen[id], l.met[id] = true, true
}
