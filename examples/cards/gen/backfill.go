package gen

import "iter"

// Backfill makes the historical export that goes with a stream: all events of
// the season before, and the first events of the stream itself, because the
// old system was still running when the queues came into use. Its events are
// unique and valid.
type Backfill struct {
	past    *Generator
	stream  *Generator
	overlap int
	summary BackfillSummary
}

// BackfillSummary counts a backfill. Rows = Older + Overlap.
type BackfillSummary struct {
	Rows    int `json:"rows"`
	Older   int `json:"older"`   // events that only the backfill has
	Overlap int `json:"overlap"` // events that the stream has too
}

// NewBackfill returns the backfill of the stream that o describes: a fifth of
// its valid events again, and the first twentieth of them.
func NewBackfill(o Options) (*Backfill, error) {
	stream, err := New(o)
	if err != nil {
		return nil, err
	}
	past, err := newGenerator(Options{Events: max(stream.valid/5, 1), Seed: o.Seed}, bygone)
	if err != nil {
		return nil, err
	}
	return &Backfill{past: past, stream: stream, overlap: max(stream.valid/20, 1)}, nil
}

// All returns the events, older ones first. It may be read once.
func (b *Backfill) All() iter.Seq[Event] {
	return func(yield func(Event) bool) {
		for e := range b.past.All() {
			b.summary.Older++
			b.summary.Rows++
			if !yield(e) {
				return
			}
		}
		for e := range b.stream.All() {
			if b.summary.Overlap == b.overlap {
				return
			}
			if e.Fault != "" || e.Repeat {
				continue
			}
			b.summary.Overlap++
			b.summary.Rows++
			if !yield(e) {
				return
			}
		}
	}
}

// Summary returns the figures of the events read so far.
func (b *Backfill) Summary() BackfillSummary { return b.summary }

// Marts returns the figures of the older events read so far; the others
// belong to the stream.
func (b *Backfill) Marts() Marts { return b.past.Marts() }

// Expect returns the figures that the marts show when the stream of o has
// landed whole, with its backfill or without.
func Expect(o Options, backfill bool) (Marts, error) {
	g, err := New(o)
	if err != nil {
		return Marts{}, err
	}
	for range g.All() {
	}
	if !backfill {
		return g.Marts(), nil
	}
	b, err := NewBackfill(o)
	if err != nil {
		return Marts{}, err
	}
	for range b.All() {
	}
	return b.Marts().Plus(g.Marts()), nil
}

// AppendJSON appends the event as one line of JSON, without a line break, in
// the form that the old system exports. It reports false for repeats and
// malformed messages, which have none. It must be called before the next
// event is made.
func (e Event) AppendJSON(b []byte) ([]byte, bool) {
	if e.message == nil {
		return b, false
	}
	return e.message.appendJSON(b), true
}
