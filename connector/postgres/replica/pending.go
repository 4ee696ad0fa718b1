package replica

import (
	"time"

	"github.com/tidemill/tidemill"
)

// pending is the batch that fills while nobody reads it.
type pending struct {
	tables   []*table        // that have rows in it
	parts    []tidemill.Part // of tables as they were before they changed
	messages []tidemill.Message
	dead     []tidemill.DeadLetter
	rows     int
	bytes    int64

	at    position // how far the source has been read with it
	whole bool     // it ends with a transaction
	due   bool     // at is to be committed though no row came
}

func (p *pending) empty() bool { return p.rows == 0 && len(p.dead) == 0 }

// settle makes a part of the rows of a table that is about to change.
func (p *pending) settle(t *table) {
	for i, have := range p.tables {
		if have == t {
			p.parts = append(p.parts, t.part())
			p.tables = append(p.tables[:i:i], p.tables[i+1:]...)
			return
		}
	}
}

// part returns the rows of a table.
func (t *table) part() tidemill.Part {
	return tidemill.Part{Stream: t.stream, Key: t.names, Records: t.rows.record()}
}

// take returns the batch, which begins again.
func (p *pending) take() tidemill.Batch {
	b := tidemill.Batch{Messages: p.messages, Parts: p.parts, Dead: p.dead}
	for _, t := range p.tables {
		b.Parts = append(b.Parts, t.part())
	}
	*p = pending{at: p.at, whole: p.whole}
	return b
}

// release drops what was not taken.
func (p *pending) release() {
	b := p.take()
	for _, part := range b.Parts {
		part.Records.Release()
	}
}

// pause is how long reads are apart while changes keep coming, so that a
// stream of small transactions comes in batches.
const pause = 10 * time.Millisecond

// ready reports whether a read may take the batch now and, where not, after
// which time it may look again; 0 waits for a word.
func (s *Source) ready() (bool, time.Duration) {
	p := &s.pending
	switch {
	case s.full(), s.failed != nil && !p.empty():
		return true, 0
	case p.empty() && !p.due && !s.drained(), !p.whole:
		return false, 0
	}
	if wait := pause - time.Since(s.taken); s.busy && wait > 0 && !s.drained() {
		return false, wait
	}
	return true, 0
}

// full reports whether no more may come into the batch. Between transactions
// that is so at half of its size, so that smaller ones are not split.
func (s *Source) full() bool {
	p := &s.pending
	if p.whole {
		return 2*p.rows >= s.rows || 2*p.bytes >= s.bytes
	}
	return p.rows >= s.rows || p.bytes >= s.bytes
}

// drained reports whether the source has been read to where it shall end.
func (s *Source) drained() bool {
	return s.target != 0 && s.pending.whole && s.reached >= s.target
}

// hand gives the batch to a read.
func (s *Source) hand() tidemill.Batch {
	b := s.pending.take()
	to := s.pending.at.encode()
	if string(to) != string(s.marked) {
		b.Marks = []tidemill.Mark{{Scope: s.scope(), From: s.marked, To: to}}
		s.marked = to
	}
	b.Token = token{s.pending.at.LSN}
	s.taken, s.markedAt = time.Now(), time.Now()
	signal(s.space)
	return b
}

// token says up to where the slot may advance.
type token struct{ lsn lsn }

// signal wakes one that waits on c, or will.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
