package duckdb

import (
	"encoding/binary"
	"math/bits"
	"time"

	"github.com/tidemill/tidemill"
)

// filter remembers the keys that landed within a window, so that only those
// that may be duplicates are looked up in the table. It may say yes to a key
// that it does not have, but never no to one that it has. An entry is 32 bits
// at a load of at most 4/5: with fewer bits every batch of 10,000 keys would
// have false hits, and any hit costs a scan.
type filter struct {
	window time.Duration // 0 where all keys are kept
	cap    int           // entries in all
	size   int
	gens   []*generation // oldest first
	known  time.Time     // keys that landed earlier may be missing
	blind  time.Time     // up to here keys landed that the full filter has not
}

// generation holds the keys that landed from begin on, to before the next.
type generation struct {
	begin, end time.Time // end is the latest that it has
	segments   []*segment
	size       int // entries
	expect     int // entries of the one before
}

const (
	filterCap      = 64 << 20 / 5 // entries: 64 MiB
	generations    = 8            // of a window: a hit then limits the scan to that part
	firstSegment   = 1 << 10      // a pipeline may have a thousand tables
	segmentPercent = 80
)

// filterKey tells filters apart: pipelines may share a table and differ in
// their windows.
type filterKey struct {
	table  tidemill.TableName
	window time.Duration
}

// slack is how much more than the window a filter keeps: batches of several
// processes do not come quite in the order of their times.
func (f *filter) slack() time.Duration { return f.window / generations }

// newFilter returns a filter for keys of the window; 0 keeps all.
func newFilter(window time.Duration) *filter {
	return &filter{window: window, cap: filterCap}
}

// add remembers a key that landed at t.
func (f *filter) add(key tidemill.ID, t time.Time) {
	if f.size >= f.cap {
		if t.After(f.blind) {
			f.blind = t
		}
		return
	}
	g := f.generation(t)
	if t.After(g.end) {
		g.end = t
	}
	if g.add(hash(key)) {
		f.size++
	}
}

func (f *filter) generation(t time.Time) *generation {
	for i := len(f.gens) - 1; i >= 0; i-- {
		if g := f.gens[i]; !t.Before(g.begin) {
			if i < len(f.gens)-1 || f.window == 0 || t.Before(g.begin.Add(f.window/generations)) {
				return g
			}
			f.gens = append(f.gens, &generation{begin: t, end: t, expect: g.size})
			return f.gens[len(f.gens)-1]
		}
	}
	if len(f.gens) > 0 {
		f.gens[0].begin = t // older than all that is known: a late batch
		return f.gens[0]
	}
	f.gens = append(f.gens, &generation{begin: t, end: t})
	return f.gens[0]
}

// expire forgets the generations that ended before t.
func (f *filter) expire(t time.Time) {
	for len(f.gens) > 0 && f.gens[0].end.Before(t) {
		f.known = later(f.known, f.gens[0].end.Add(1))
		f.size -= f.gens[0].size
		f.gens = f.gens[1:]
	}
}

// lookup reports whether key may have landed at since or later, and when at
// the earliest.
func (f *filter) lookup(key tidemill.ID, since time.Time) (time.Time, bool) {
	if !f.blind.IsZero() && !f.blind.Before(since) {
		return since, true
	}
	h := hash(key)
	for _, g := range f.gens {
		if !g.end.Before(since) && g.has(h) {
			if g.begin.After(since) {
				since = g.begin
			}
			return since, true
		}
	}
	return time.Time{}, false
}

func (g *generation) has(h uint64) bool {
	for _, s := range g.segments {
		if s.has(h) {
			return true
		}
	}
	return false
}

func (g *generation) add(h uint64) bool {
	if g.has(h) {
		return false
	}
	if n := len(g.segments); n == 0 || g.segments[n-1].full() {
		slots := max(firstSegment, 2*g.size, g.expect)
		g.segments = append(g.segments, &segment{slots: make([]uint32, 1<<bits.Len(uint(slots-1)))})
	}
	g.size++
	g.segments[len(g.segments)-1].add(h)
	return true
}

// segment is a hash set with linear probing. It does not grow: a generation
// takes another one of twice the size, because an entry does not tell its
// place in a larger one.
type segment struct {
	slots []uint32 // 0 is empty
	n     int
}

func (s *segment) full() bool { return s.n*100 >= len(s.slots)*segmentPercent }

func (s *segment) has(h uint64) bool { return s.slots[s.find(h)] != 0 }

func (s *segment) add(h uint64) {
	s.slots[s.find(h)] = entry(h)
	s.n++
}

// find returns the slot that has h, or the empty one where it would be.
func (s *segment) find(h uint64) int {
	mask := len(s.slots) - 1
	for i := int(h) & mask; ; i = (i + 1) & mask {
		if e := s.slots[i]; e == 0 || e == entry(h) {
			return i
		}
	}
}

func entry(h uint64) uint32 { return max(uint32(h>>32), 1) }

// hash mixes the bits of a key, which need not be random.
func hash(key tidemill.ID) uint64 {
	hi, lo := bits.Mul64(binary.LittleEndian.Uint64(key[:8])^0x9e3779b97f4a7c15, binary.LittleEndian.Uint64(key[8:])^0xd1b54a32d192ed03)
	h := hi ^ lo
	h = (h ^ h>>32) * 0xd6e8feb86659fd93
	return h ^ h>>32
}
