package land

import (
	"sync"
	"time"

	"github.com/tidemill/tidemill"
)

// intake is a read on its way into a batch.
type intake struct {
	tidemill.Batch
	taken time.Time // when the source gave it
}

// moments orders reads and batches in time. A warehouse finds what another
// reader landed after a message was read by comparing _landed_at with when
// that was; so a batch must lie after all reads that it holds, and, lest it is
// taken for the batch of another, before all that it does not hold, though a
// read may wait for long until there is room for it.
type moments struct {
	mu     sync.Mutex
	last   time.Time   // the latest that was given out
	inHand []time.Time // of reads that are in no batch yet, oldest first
}

// take returns the moment of a read that has just returned. Moments of reads
// leave room for that of a batch between them.
func (m *moments) take() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	t := m.after(2 * time.Microsecond)
	m.inHand = append(m.inHand, t)
	return t
}

// join says that the oldest read in hand is part of a batch.
func (m *moments) join() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.inHand) > 0 {
		m.inHand = m.inHand[1:]
	}
}

// made returns the moment of a batch that is complete.
func (m *moments) made() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.inHand) > 0 {
		return m.inHand[0].Add(-time.Microsecond)
	}
	return m.after(time.Microsecond)
}

// after returns now, but not less than gap after the last moment: clocks go
// backwards, and two events may share a microsecond.
func (m *moments) after(gap time.Duration) time.Time {
	t := time.Now().UTC().Truncate(time.Microsecond)
	if least := m.last.Add(gap); t.Before(least) {
		t = least
	}
	m.last = t
	return t
}
