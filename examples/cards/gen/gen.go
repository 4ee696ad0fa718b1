// Package gen makes the events of the cards example: a season of a company
// that prints and sells trading cards, as its three services would publish it.
//
// The stream is a pure function of its Options: the same options give the same
// bytes in the same order on every machine. It is made while it is read, in
// memory that does not grow with the number of events. What it holds is
// realistic and known: the catalogue comes first, each card is printed before
// it is sold, some events come late, some twice, some broken; and exactly one
// card is sold more often than it was printed. Summary says how many of each
// there were, Marts what the tables built from them must show.
package gen

import (
	"fmt"
	"iter"
	"math/rand/v2"
	"time"

	"github.com/tidemill/tidemill"
)

// Options say what stream to make.
type Options struct {
	Events     int     // messages to publish, repeats and malformed ones included
	Seed       uint64  // another seed, another season
	Duplicates float64 // fraction of Events that repeats an earlier message, byte for byte
	Malformed  float64 // fraction of Events that no consumer can decode
}

// Event is one message as a producer publishes it. Its Body is shared with
// the generator and must not be changed.
type Event struct {
	Seq    int // position in the stream, from 0
	Queue  string
	Type   string    // name of the message type, without its package
	Body   []byte    // protobuf; nil only where Fault is Empty
	Time   time.Time // when it was published; never before that of the event before
	ID     string    // the id that the body carries; "" in a malformed message
	Fault  Fault     // what is wrong with it; "" in a valid message
	Repeat bool      // the same queue, type and body were published before

	message message // of a valid message that is no repeat; good until the next Next
}

// Generator makes a stream. It is not safe for concurrent use.
type Generator struct {
	options Options
	season  season
	rnd     *rand.Rand
	world   *world
	past    past
	faults  faults

	seq                      int
	valid, repeats, breakage int // still to come
	summary                  Summary
}

// New returns the generator of the stream that o describes.
func New(o Options) (*Generator, error) {
	return newGenerator(o, current)
}

func newGenerator(o Options, s season) (*Generator, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	g := &Generator{
		options:  o,
		season:   s,
		rnd:      rand.New(rand.NewPCG(o.Seed, s.stream)),
		repeats:  int(float64(o.Events) * o.Duplicates),
		breakage: int(float64(o.Events) * o.Malformed),
	}
	g.valid = o.Events - g.repeats - g.breakage
	g.world = newWorld(g.rnd, s, g.valid)
	g.faults = faults{rnd: g.rnd, world: g.world}
	g.past.rnd = g.rnd
	g.summary.Types = map[string]int{}
	g.summary.Faults = map[Fault]int{}
	return g, nil
}

func (o Options) validate() error {
	fail := func(hint, format string, args ...any) error {
		return &tidemill.Error{Code: tidemill.Invalid, Op: "generate events", Err: fmt.Errorf(format, args...), Hint: hint}
	}
	switch {
	case o.Events < 1:
		return fail("ask for 1 event or more", "%d events", o.Events)
	case !(o.Duplicates >= 0 && o.Duplicates < 1):
		return fail("give a fraction such as 0.02", "duplicates %v is not from 0 to below 1", o.Duplicates)
	case !(o.Malformed >= 0 && o.Malformed < 1):
		return fail("give a fraction such as 0.002", "malformed %v is not from 0 to below 1", o.Malformed)
	case o.Duplicates+o.Malformed >= 1:
		return fail("lower one of them", "duplicates %v and malformed %v leave no valid event", o.Duplicates, o.Malformed)
	}
	return nil
}

// Next returns the next event of the stream, and false at its end.
func (g *Generator) Next() (Event, bool) {
	left := g.valid + g.repeats + g.breakage
	if left == 0 {
		return Event{}, false
	}
	// Drawing without replacement makes the counts exact. The first event is
	// valid, so that there is something to repeat.
	r := g.rnd.IntN(left)
	var e Event
	switch {
	case g.seq > 0 && r < g.repeats:
		g.repeats--
		e = g.past.pick()
		e.Repeat = true
	case g.breakage > 0 && r < g.repeats+g.breakage && (g.seq > 0 || g.valid == 0):
		g.breakage--
		e = g.faults.next()
	default:
		g.valid--
		e = g.next()
	}
	e.Seq = g.seq
	e.Time = g.season.at(g.seq, g.options.Events)
	g.seq++
	g.summary.add(e)
	if !e.Repeat {
		g.past.add(e)
	}
	return e, true
}

// next makes the next event of the world into a message.
func (g *Generator) next() Event {
	m := g.world.next()
	queue, typ, id := m.head()
	return Event{Queue: queue, Type: typ, ID: id, Body: m.appendProto(make([]byte, 0, 384)), message: m}
}

// All returns what is left of the stream.
func (g *Generator) All() iter.Seq[Event] {
	return func(yield func(Event) bool) {
		for {
			e, ok := g.Next()
			if !ok || !yield(e) {
				return
			}
		}
	}
}

// Summary returns the figures of the events that Next has returned so far.
func (g *Generator) Summary() Summary {
	s := g.summary.clone()
	s.Oversold = g.world.oversold()
	return s
}
