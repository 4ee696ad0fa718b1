package gen

import (
	"encoding/hex"
	"fmt"
	"math"
	"strconv"
)

func (w *world) newCard(i int) card {
	r := w.rnd
	rarity := 1 + min(3, i%10/4+i%7/6) // most are common
	c := card{
		id:        fmt.Sprintf("%s-%03d", w.season.code, i+1),
		name:      cardName(w.season.names + i),
		series:    w.season.series,
		rarity:    rarity,
		listPrice: []int64{0, 40, 120, 480, 1900}[rarity] + 10*r.Int64N(12),
		createdAt: w.season.start.UnixMilli() + int64(i),
		attributes: [3]attribute{
			{"artist", artists[r.IntN(len(artists))]},
			{"finish", finishes[r.IntN(len(finishes))]},
			{"language", "en"},
		},
	}
	for range r.IntN(3) {
		c.tags = append(c.tags, tags[r.IntN(len(tags))])
	}
	if rarity == 4 {
		c.printLimit = 100_000
	}
	return c
}

// newBatch prints card c. The number of defects scatters about the machine's
// rate; few runs are stopped before the plan is fulfilled.
func (w *world) newBatch(c int) *batch {
	r := w.rnd
	press := machines[r.IntN(len(machines))]
	planned := uint32(100 * (3 + r.IntN(10)))
	if c == w.victim {
		planned = 100
	}
	made := planned
	if r.IntN(30) == 0 {
		made = planned * uint32(40+r.IntN(50)) / 100
	}
	defects := uint32(math.Round(float64(made) * press.defects * 2 * r.Float64()))
	m := &batch{
		id: "batch-" + w.id()[:18], cardID: w.cards[c].id, finishedAt: w.when(),
		planned: planned, produced: made - defects, defects: defects, machineID: press.id,
	}
	m.startedAt = m.finishedAt - int64(made)*(5000+r.Int64N(2000))
	for range defects {
		m.byKind[r.IntN(len(defectKinds))]++
	}
	if r.IntN(50) > 0 {
		m.humidity = float64(380+r.IntN(180)) / 10
	}
	return m
}

// newOrder returns an order without lines.
func (w *world) newOrder() *order {
	r := w.rnd
	o := &order{id: w.id(), currency: currencies[0], status: paid, lines: make([]line, 0, 4)}
	w.customer(o)
	switch o.country {
	case "US":
		o.currency = currencies[1]
	case "GB":
		o.currency = currencies[2]
	case "JP":
		o.currency = currencies[3]
	}
	switch s := r.IntN(100); {
	case s < 3:
		o.status = rejected
	case s < 15:
		o.status = pending
	}
	o.createdAt = w.when()
	w.place(&o.channel)
	if o.channel.kind != 's' {
		o.shipTo = w.address()
	}
	if r.IntN(20) == 0 {
		o.note = notes[r.IntN(len(notes))]
	}
	return o
}

// place chooses the channel of an order.
func (w *world) place(c *channel) {
	r := w.rnd
	switch k := r.IntN(10); {
	case k < 7:
		c.kind, c.session, c.page = 'w', w.id(), pages[r.IntN(len(pages))]
		c.userAgent = browsers[r.IntN(len(browsers))]
		if r.IntN(6) == 0 {
			c.coupon = coupons[r.IntN(len(coupons))]
		}
	case k < 9:
		c.kind, c.shopID, c.till = 's', "shop-"+strconv.Itoa(1+r.IntN(9)), r.Uint32N(4)
	default:
		c.kind, c.partnerName, c.reference = 'p', partners[r.IntN(len(partners))], w.id()[:8]
	}
}

func (w *world) address() address {
	r := w.rnd
	return address{
		street:     strconv.Itoa(1+r.IntN(180)) + " " + streets[r.IntN(len(streets))],
		postalCode: strconv.Itoa(10_000 + r.IntN(90_000)),
		city:       cities[r.IntN(len(cities))],
	}
}

// newLine orders some of card c at a price near that of the catalogue.
func (w *world) newLine(o *order, c int) line {
	cents := w.cards[c].listPrice * int64(90+w.rnd.IntN(16)) / 100
	quantity := uint32(1)
	if w.rnd.IntN(3) == 0 {
		quantity += w.rnd.Uint32N(4)
	}
	return line{card: c, cardID: w.cards[c].id, quantity: quantity, unitPrice: o.currency.price(cents)}
}

// customer puts one of some thousands of people into o; the same number is
// always the same person.
func (w *world) customer(o *order) {
	n := w.rnd.Uint64N(8000)
	h := n * 0x9e3779b97f4a7c15
	o.customerID = "cus_" + strconv.FormatUint(h|1<<63, 36)
	o.email = firstNames[h>>40%16] + "." + lastNames[h>>44%16] + strconv.FormatUint(n, 10) + "@example.com"
	o.country = countries[h>>50%8]
}

// id returns a random id in the form of a UUID.
func (w *world) id() string {
	var raw [16]byte
	for i, v := range [2]uint64{w.rnd.Uint64(), w.rnd.Uint64()} {
		for j := range 8 {
			raw[8*i+j] = byte(v >> (8 * j))
		}
	}
	raw[6], raw[8] = raw[6]&0x0f|0x40, raw[8]&0x3f|0x80
	var b [36]byte
	hex.Encode(b[:8], raw[:4])
	hex.Encode(b[9:13], raw[4:6])
	hex.Encode(b[14:18], raw[6:8])
	hex.Encode(b[19:23], raw[8:10])
	hex.Encode(b[24:], raw[10:])
	b[8], b[13], b[18], b[23] = '-', '-', '-', '-'
	return string(b[:])
}
