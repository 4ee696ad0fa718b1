package postgres

import (
	"log/slog"
	"sync"
	"time"
)

// Progress is how far a snapshot is.
type Progress struct {
	Rows     int64         // that have been read
	Expected int64         // about, by the server's statistics; 0 where it has none
	Rate     float64       // rows per second of this run
	Left     time.Duration // about, at that rate; 0 where it is not known
}

// reportEvery is how often a snapshot logs how far it is.
const reportEvery = 10 * time.Second

// meter counts rows. It may be asked from any goroutine.
type meter struct {
	mu       sync.Mutex
	start    time.Time
	reported time.Time
	before   int64 // rows of earlier runs
	rows     int64
	expected int64
}

// begin starts a run: what is added until the first report is of earlier
// ones.
func (m *meter) begin() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.start, m.reported = time.Now(), time.Now()
	m.rows, m.before, m.expected = 0, 0, 0
}

func (m *meter) expect(rows int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.expected += rows
}

// resume counts rows of earlier runs.
func (m *meter) resume(rows int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.rows += rows
	m.before += rows
}

func (m *meter) add(rows int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.rows += rows
}

func (m *meter) read() int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.rows
}

func (m *meter) elapsed() time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	return time.Since(m.start)
}

func (m *meter) progress() Progress {
	m.mu.Lock()
	defer m.mu.Unlock()
	p := Progress{Rows: m.rows, Expected: m.expected}
	if m.start.IsZero() {
		return p
	}
	if s := time.Since(m.start).Seconds(); s > 0 {
		p.Rate = float64(m.rows-m.before) / s
	}
	if p.Rate > 0 && p.Expected > p.Rows {
		p.Left = time.Duration(float64(p.Expected-p.Rows) / p.Rate * float64(time.Second))
	}
	return p
}

// report logs how far the snapshot is, now and then.
func (m *meter) report(log *slog.Logger, chunks int) {
	m.mu.Lock()
	due := time.Since(m.reported) >= reportEvery
	if due {
		m.reported = time.Now()
	}
	m.mu.Unlock()
	if !due {
		return
	}
	p := m.progress()
	args := []any{"rows", p.Rows, "rows_per_second", int64(p.Rate), "chunks_left", chunks}
	if p.Expected > 0 {
		args = append(args, "of_about", p.Expected, "time_left", p.Left.Round(time.Second))
	}
	log.Info("snapshot", args...)
}
