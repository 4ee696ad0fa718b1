package gen

import (
	"math"
	"math/rand/v2"
	"sort"
	"time"
)

const (
	lateEvents = 0.03           // fraction of events that are told long after they happened
	latest     = 48 * time.Hour // how long after
	jitter     = 1500           // milliseconds by which events overtake one another
	batchShare = 0.06           // of the events after the first batches
)

// world is the company: what it sells, what is in stock, what happens next.
// Only events that it returns from next have happened.
type world struct {
	rnd    *rand.Rand
	season season
	events int // of the season
	slot   int // the next event
	cards  []card
	stock  []int64
	tally  []CardFigures
	totals Marts
	reach  []float64 // cumulated popularity
	victim int       // the card that gets oversold; -1 for none
}

func newWorld(rnd *rand.Rand, s season, events int) *world {
	n := min(maxCards, max(events/100, min(3, events/3), 1))
	w := &world{
		rnd: rnd, season: s, events: events, victim: -1,
		cards: make([]card, n), stock: make([]int64, n), tally: make([]CardFigures, n), reach: make([]float64, n),
	}
	if s.oversell && events >= 3 {
		w.victim = n / 2
	}
	sum := 0.0
	for i := range w.cards {
		w.cards[i] = w.newCard(i)
		w.tally[i] = CardFigures{CardID: w.cards[i].id, Name: w.cards[i].name}
		sum += 1 / math.Pow(float64(i+4), 0.8)
		w.reach[i] = sum
	}
	return w
}

// next makes the next event happen: first the catalogue, then one batch of
// every card, then orders, and more batches between them.
func (w *world) next() message {
	i := w.slot
	w.slot++
	n := len(w.cards)
	switch {
	case i < n:
		w.totals.Cards++
		return &w.cards[i]
	case i < 2*n:
		return w.print(i - n)
	case w.victim >= 0 && i == w.oversellSlot():
		return w.oversell()
	case w.rnd.Float64() < batchShare:
		return w.print(w.popular())
	}
	o := w.newOrder()
	w.fill(o)
	if len(o.lines) == 0 { // everything asked for is sold out
		return w.print(w.popular())
	}
	w.book(o)
	return o
}

func (w *world) oversellSlot() int { return max(2*len(w.cards), w.events-1-w.events/6) }

// print makes a batch of card c. The card that will be oversold is printed
// once only.
func (w *world) print(c int) message {
	if c == w.victim && w.slot > 2*len(w.cards) {
		c = (c + 1) % len(w.cards)
	}
	m := w.newBatch(c)
	w.stock[c] += int64(m.produced)
	w.tally[c].Produced += int64(m.produced)
	w.tally[c].Defects += int64(m.defects)
	w.totals.Batches++
	return m
}

// oversell lets a shop order more of the victim than there is.
func (w *world) oversell() message {
	o := w.newOrder()
	o.status = paid
	l := w.newLine(o, w.victim)
	l.quantity = uint32(w.stock[w.victim]) + 7 + uint32(w.rnd.IntN(34))
	o.lines = append(o.lines, l)
	w.book(o)
	return o
}

// oversold says what became of the victim; nil if it has not happened.
func (w *world) oversold() *Oversold {
	if w.victim < 0 || w.stock[w.victim] >= 0 {
		return nil
	}
	t := w.tally[w.victim]
	return &Oversold{CardID: t.CardID, Name: t.Name, Sold: t.Sold, Produced: t.Produced}
}

// fill puts lines into o, of cards that are in stock.
func (w *world) fill(o *order) {
	for range 1 + w.rnd.IntN(4) {
		c := w.popular()
		l := w.newLine(o, c)
		if !o.has(c) && w.stock[c] >= int64(l.quantity) {
			o.lines = append(o.lines, l)
		}
	}
}

func (o *order) has(card int) bool {
	for i := range o.lines {
		if o.lines[i].card == card {
			return true
		}
	}
	return false
}

// book takes what o sells from the stock.
func (w *world) book(o *order) {
	w.totals.Orders++
	w.totals.OrderLines += len(o.lines)
	if o.status == rejected {
		return
	}
	for _, l := range o.lines {
		t := &w.tally[l.card]
		w.stock[l.card] -= int64(l.quantity)
		t.Sold += int64(l.quantity)
		t.Revenue += int64(l.quantity) * l.unitPrice * o.currency.rate
	}
}

// popular draws a card; the first of the catalogue sell best.
func (w *world) popular() int {
	at := w.rnd.Float64() * w.reach[len(w.reach)-1]
	return min(sort.SearchFloat64s(w.reach, at), len(w.reach)-1)
}

// rumour makes an event that never happened.
func (w *world) rumour() message {
	switch r := w.rnd.IntN(20); {
	case r == 0:
		c := w.newCard(w.rnd.IntN(maxCards))
		c.id = w.id()
		return &c
	case r < 6:
		return w.newBatch(w.popular())
	default:
		o := w.newOrder()
		o.lines = append(o.lines, w.newLine(o, w.popular()))
		return o
	}
}

// when returns the time at which the event in hand happened, in Unix
// milliseconds: about now, or long ago if it comes late.
func (w *world) when() int64 {
	start := w.season.start.UnixMilli()
	now := w.season.at(w.slot, w.events).UnixMilli()
	if w.slot > 2*len(w.cards) && w.rnd.Float64() < lateEvents {
		return max(start, now-w.rnd.Int64N(latest.Milliseconds()))
	}
	return max(start, now-jitter+w.rnd.Int64N(2*jitter))
}
