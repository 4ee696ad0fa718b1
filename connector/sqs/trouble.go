package sqs

import (
	"time"

	"github.com/tidemill/tidemill"
)

// tellEvery is how long the log is silent about a failure that lasts.
const tellEvery = 30 * time.Second

// trouble notes that a call about q failed, and reports whether that is the
// end: an outage is waited for without limit, a refusal for s.patience.
func (s *Source) trouble(q *queue, err error) bool {
	now := time.Now()
	q.mu.Lock()
	if q.failing.IsZero() {
		q.failing = now
	}
	switch {
	case tidemill.Retryable(err):
		q.lasting = time.Time{}
	case q.lasting.IsZero():
		q.lasting = now
	}
	final := !q.lasting.IsZero() && now.Sub(q.lasting) >= s.patience
	tell := now.Sub(q.told) >= tellEvery
	if tell {
		q.told = now
	}
	since := now.Sub(q.failing).Round(time.Second)
	q.mu.Unlock()
	if final {
		s.fail(err)
		return true
	}
	if tell {
		s.log.Warn("receiving fails, trying again", "queue", q.name, "since", since, "err", err)
	}
	return false
}

// well notes that a receive from q succeeded. A log that did not hear of the
// failure, because of one shortly before, does not hear of its end.
func (s *Source) well(q *queue) {
	q.mu.Lock()
	since := q.failing
	tell := !since.IsZero() && !q.told.Before(since)
	q.failing, q.lasting = time.Time{}, time.Time{}
	q.mu.Unlock()
	if tell {
		s.log.Info("receiving again", "queue", q.name, "after", time.Since(since).Round(time.Millisecond))
	}
}
