package amqp

import "math"

const (
	firstPrefetch = 64
	maxPrefetch   = math.MaxUint16

	// step bounds how much a prefetch grows at once: the size of 64 messages
	// says little of that of the next 20,000.
	step = 8

	// leastSize is what any message costs in memory, in bytes, whatever its body.
	leastSize = 256
)

// pace decides how many messages a consumer takes ahead.
type pace struct {
	rows  int   // of a batch
	bytes int64 // of a batch
	fixed bool

	prefetch int
	size     float64 // of a message, smoothed
	again    float64 // share of messages that are redelivered, smoothed
}

func newPace(fixed, rows int, bytes int64) pace {
	p := pace{rows: rows, bytes: bytes, fixed: fixed > 0, prefetch: firstPrefetch}
	if p.fixed {
		p.prefetch = min(fixed, maxPrefetch)
	}
	return p
}

// saw takes n messages of so many bytes into account, of which again were
// redelivered. Growth counts at once, because memory does; shrinking counts
// slowly.
func (p *pace) saw(n, again int, bytes int64) {
	p.again += (float64(again)/float64(n) - p.again) * min(1, float64(n)/64)
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

// rowsAhead returns how many messages may be taken ahead, by their number
// alone. The pipeline looks redelivered ones up in the whole table, at a cost
// per batch, and so fills their batches by bytes alone: it must get as many.
func (p *pace) rowsAhead() int {
	if p.again > 0.5 {
		return max(2*p.rows, int(min(2*p.bytes/leastSize, maxPrefetch)))
	}
	return 2 * p.rows
}

// next returns the prefetch to go on with, where pending messages are taken
// and not acknowledged and the two batches are shared by so many busy
// consumers. A change interrupts the consumer, so small ones are not made.
func (p *pace) next(pending, busy int) int {
	if p.fixed {
		return p.prefetch
	}
	want := p.rowsAhead() / busy
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
