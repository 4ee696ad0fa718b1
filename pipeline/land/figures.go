package land

import (
	"time"

	"github.com/tidemill/tidemill"
)

// Summary says what a run did. Rows, duplicates and dead letters add up to
// the messages whose batches were committed.
type Summary struct {
	Pipeline    string  `json:"pipeline"`
	Batches     int64   `json:"batches"`
	Rows        int64   `json:"rows"`
	Duplicates  int64   `json:"duplicates"`
	DeadLetters int64   `json:"dead_letters"`
	Seconds     float64 `json:"seconds"`
}

// Progress is how far a run is, for people who watch it.
type Progress struct {
	Summary
	Messages int64         // read and committed
	Bytes    int64         // of them
	Rate     float64       // messages a second, lately
	Lag      time.Duration // from the newest message's source time to its commit; 0 if unknown
}

// figures belong to the committer while it runs.
type figures struct {
	start, last time.Time
	sum         Summary
	messages    int64
	bytes       int64
	rate        float64
}

func (f *figures) add(b *batch, r tidemill.Receipt) {
	f.sum.Batches++
	f.sum.Rows += r.Rows
	f.sum.Duplicates += r.Duplicates
	f.sum.DeadLetters += r.Dead
	f.messages += int64(b.messages)
	f.bytes += b.bytes
	now := time.Now()
	since := f.last
	if since.IsZero() {
		since = f.start
	}
	// A moving average over about four batches: steady for the eye, and
	// quick to show a stall.
	if took := now.Sub(since).Seconds(); took > 0 {
		rate := float64(b.messages) / took
		if f.last.IsZero() {
			f.rate = rate
		}
		f.rate += (rate - f.rate) / 4
	}
	f.last = now
}

func (f *figures) summary(pipeline string) Summary {
	s := f.sum
	s.Pipeline, s.Seconds = pipeline, time.Since(f.start).Seconds()
	return s
}

func (f *figures) progress(pipeline string, b *batch) Progress {
	p := Progress{Summary: f.summary(pipeline), Messages: f.messages, Bytes: f.bytes, Rate: f.rate}
	if storableTime(b.newest) {
		p.Lag = max(0, time.Since(b.newest))
	}
	return p
}
