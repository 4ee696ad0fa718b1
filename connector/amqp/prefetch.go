package amqp

import "math"

const (
	firstPrefetch = 64
	maxPrefetch   = math.MaxUint16

	// step bounds how much a prefetch grows at once: the size of 64 messages
	// says little of that of the next 20,000.
	step = 8
)

// pace decides how many messages a consumer takes ahead.
type pace struct {
	rows  int   // of a batch
	bytes int64 // of a batch
	fixed bool

	prefetch int
	size     float64 // of a message, smoothed
}

func newPace(fixed, rows int, bytes int64) pace {
	p := pace{rows: rows, bytes: bytes, fixed: fixed > 0, prefetch: firstPrefetch}
	if p.fixed {
		p.prefetch = min(fixed, maxPrefetch)
	}
	return p
}

// saw takes n messages of so many bytes into account. Growth counts at once,
// because memory does; shrinking counts slowly.
func (p *pace) saw(n int, bytes int64) {
	mean := float64(bytes) / float64(n)
	weight := min(1, float64(n)/512)
	if mean > p.size {
		weight = min(1, float64(n)/64)
	}
	if p.size == 0 {
		weight = 1
	}
	p.size += (mean - p.size) * weight
}

// next returns the prefetch to go on with, where pending messages are taken
// and not acknowledged and the two batches are shared by so many busy
// consumers. A change interrupts the consumer, so small ones are not made.
func (p *pace) next(pending, busy int) int {
	if p.fixed {
		return p.prefetch
	}
	want := 2 * p.rows / busy
	if p.size > 0 {
		want = int(min(float64(want), 2*float64(p.bytes)/p.size/float64(busy)))
	}
	want = min(max(want, 2), maxPrefetch)
	switch {
	case want < p.prefetch/2:
		return want
	case want >= p.prefetch+p.prefetch/2 && pending >= p.prefetch/2:
		return min(want, step*p.prefetch)
	}
	return p.prefetch
}
