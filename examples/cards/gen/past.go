package gen

import "math/rand/v2"

const (
	recentSize = 4096 // messages of which most repeats are made
	sampleSize = 1024 // messages kept of the whole stream, for repeats that come much later
	retrySize  = 16   // messages among which a producer's immediate retry falls
)

// past remembers a bounded number of the messages published: the most recent
// ones, and a uniform sample of all.
type past struct {
	rnd    *rand.Rand
	recent []Event
	sample []Event
	seen   int
}

func (p *past) add(e Event) {
	e.message = nil
	if len(p.recent) < recentSize {
		p.recent = append(p.recent, e)
	} else {
		p.recent[p.seen%recentSize] = e
	}
	if len(p.sample) < sampleSize {
		p.sample = append(p.sample, e)
	} else if i := p.rnd.IntN(p.seen + 1); i < sampleSize {
		p.sample[i] = e
	}
	p.seen++
}

// pick returns a message that was published before: half of the time one of
// the last few, else one of the last thousands or of any time.
func (p *past) pick() Event {
	switch r := p.rnd.IntN(10); {
	case r < 5:
		back := 1 + p.rnd.IntN(min(retrySize, len(p.recent)))
		return p.recent[(p.seen-back)%recentSize]
	case r < 8:
		return p.recent[p.rnd.IntN(len(p.recent))]
	default:
		return p.sample[p.rnd.IntN(len(p.sample))]
	}
}
