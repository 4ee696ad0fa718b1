package tidetest

import (
	"bytes"
	"fmt"

	"github.com/tidemill/tidemill"
)

// sourceLedger is the warehouse of the suite of sources: what has landed, and
// the marks, which outlive the sources.
type sourceLedger struct {
	marks map[string]tidemill.Position
	rows  map[string]bool // by id
	acked map[string]bool // ids that the far side must have let go
}

func newSourceLedger() sourceLedger {
	return sourceLedger{marks: map[string]tidemill.Position{}, rows: map[string]bool{}, acked: map[string]bool{}}
}

// from returns the marks as Warehouse.Ledger does.
func (l *sourceLedger) from() []tidemill.Mark {
	var all []tidemill.Mark
	for scope, at := range l.marks {
		all = append(all, tidemill.Mark{Scope: scope, To: at})
	}
	return all
}

// commit stores a read whole, or refuses it.
func (l *sourceLedger) commit(h held) error {
	at := map[string]tidemill.Position{}
	for _, m := range h.marks {
		has, moved := at[m.Scope]
		if !moved {
			has = l.marks[m.Scope]
		}
		if !bytes.Equal(has, m.From) {
			return fmt.Errorf("commit: %s is at %q, and the mark goes from %q to %q", m.Scope, has, m.From, m.To)
		}
		at[m.Scope] = m.To
	}
	for scope, to := range at {
		l.marks[scope] = bytes.Clone(to)
	}
	for _, id := range h.ids {
		l.rows[id] = true
	}
	return nil
}

// held is what is kept of a read until it is acknowledged.
type held struct {
	ids   []string
	marks []tidemill.Mark
	token any
}
