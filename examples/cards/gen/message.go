package gen

import (
	"google.golang.org/protobuf/encoding/protowire"
)

// The queues, one for each service.
const (
	queueCards         = "cards"
	queueOrders        = "orders"
	queueManufacturing = "manufacturing"
)

// Queues returns the names of the queues that a stream is published to.
func Queues() []string { return []string{queueCards, queueOrders, queueManufacturing} }

// message is one event of proto/events.proto. Encoding by hand takes a tenth
// of the time that reflection does; the tests hold it to the schema.
type message interface {
	head() (queue, typ, id string)
	appendProto(b []byte) []byte
	appendJSON(b []byte) []byte
	spoilText() // puts text into it that is not UTF-8
}

type card struct {
	id, name, series string
	rarity           int
	listPrice        int64 // euro cents
	createdAt        int64 // Unix milliseconds, as all times here
	tags             []string
	attributes       [3]attribute
	printLimit       uint32 // 0: none
}

type attribute struct{ name, value string }

type batch struct {
	id, cardID            string
	startedAt, finishedAt int64
	planned               uint32
	produced, defects     uint32
	byKind                [len(defectKinds)]uint32
	machineID             string
	humidity              float64 // 0: not known
}

var defectKinds = [...]string{"miscut", "misprint", "scratch"}

type order struct {
	id                         string
	customerID, email, country string
	currency                   currency
	lines                      []line
	status                     int
	createdAt                  int64
	channel                    channel
	note                       string // "": none
	shipTo                     address
}

type address struct{ street, postalCode, city string } // no street: no address

type line struct {
	card      int // index in the world's catalogue
	cardID    string
	quantity  uint32
	unitPrice int64
}

// channel is the oneof of an order; kind says which part counts.
type channel struct {
	kind                   byte // 'w'eb, 's'hop or 'p'artner
	session, page, coupon  string
	userAgent              string
	shopID                 string
	till                   uint32
	partnerName, reference string
}

func (c *card) head() (queue, typ, id string)  { return queueCards, "CardCatalogCreated", c.id }
func (m *batch) head() (queue, typ, id string) { return queueManufacturing, "ManufacturingBatch", m.id }
func (o *order) head() (queue, typ, id string) { return queueOrders, "OrderCreated", o.id }

const latin1 = "Z\xfcrich"

func (c *card) spoilText()  { c.series = latin1 }
func (m *batch) spoilText() { m.machineID = latin1 }
func (o *order) spoilText() { o.email = latin1 + "@example.com" }

func (c *card) appendProto(b []byte) []byte {
	b = appendString(b, 1, c.id)
	b = appendString(b, 2, c.name)
	b = appendString(b, 3, c.series)
	b = appendUint(b, 4, uint64(c.rarity))
	b = appendUint(b, 5, uint64(c.listPrice))
	b = appendTime(b, 6, c.createdAt)
	for _, tag := range c.tags {
		b = appendString(b, 7, tag)
	}
	for _, a := range c.attributes {
		b = appendNested(b, 8, func(b []byte) []byte {
			return appendString(appendString(b, 1, a.name), 2, a.value)
		})
	}
	return appendUint(b, 9, uint64(c.printLimit))
}

func (m *batch) appendProto(b []byte) []byte {
	b = appendString(b, 1, m.id)
	b = appendString(b, 2, m.cardID)
	b = appendTime(b, 3, m.startedAt)
	b = appendTime(b, 4, m.finishedAt)
	b = appendUint(b, 5, uint64(m.planned))
	b = appendUint(b, 6, uint64(m.produced))
	b = appendUint(b, 7, uint64(m.defects))
	for i, n := range m.byKind {
		if n > 0 {
			b = appendNested(b, 8, func(b []byte) []byte {
				return appendUint(appendString(b, 1, defectKinds[i]), 2, uint64(n))
			})
		}
	}
	b = appendString(b, 9, m.machineID)
	return appendDouble(b, 10, m.humidity)
}

func (o *order) appendProto(b []byte) []byte {
	b = appendString(b, 1, o.id)
	b = appendNested(b, 2, func(b []byte) []byte {
		b = appendString(b, 1, o.customerID)
		b = appendString(b, 2, o.email)
		return appendString(b, 3, o.country)
	})
	b = appendString(b, 3, o.currency.code)
	for i := range o.lines {
		l := &o.lines[i]
		b = appendNested(b, 4, func(b []byte) []byte {
			b = appendString(b, 1, l.cardID)
			b = appendUint(b, 2, uint64(l.quantity))
			return appendUint(b, 3, uint64(l.unitPrice))
		})
	}
	b = appendUint(b, 5, uint64(o.status))
	b = appendTime(b, 6, o.createdAt)
	b = o.channel.appendProto(b)
	b = appendString(b, 10, o.note)
	if o.shipTo.street == "" {
		return b
	}
	return appendNested(b, 11, func(b []byte) []byte {
		b = appendString(b, 1, o.shipTo.street)
		b = appendString(b, 2, o.shipTo.postalCode)
		return appendString(b, 3, o.shipTo.city)
	})
}

func (c *channel) appendProto(b []byte) []byte {
	switch c.kind {
	case 'w':
		return appendNested(b, 7, func(b []byte) []byte {
			b = appendString(b, 1, c.session)
			b = appendString(b, 2, c.page)
			b = appendString(b, 3, c.coupon)
			return appendString(b, 4, c.userAgent)
		})
	case 's':
		return appendNested(b, 8, func(b []byte) []byte {
			return appendUint(appendString(b, 1, c.shopID), 2, uint64(c.till))
		})
	default:
		return appendNested(b, 9, func(b []byte) []byte {
			return appendString(appendString(b, 1, c.partnerName), 2, c.reference)
		})
	}
}

func appendString(b []byte, field protowire.Number, s string) []byte {
	if s == "" {
		return b
	}
	return protowire.AppendString(protowire.AppendTag(b, field, protowire.BytesType), s)
}

func appendUint(b []byte, field protowire.Number, v uint64) []byte {
	if v == 0 {
		return b
	}
	return protowire.AppendVarint(protowire.AppendTag(b, field, protowire.VarintType), v)
}

// appendNested appends what body appends as one field. All bodies here are
// shorter than 128 bytes but for some that are moved by a byte to make room
// for a longer length.
func appendNested(b []byte, field protowire.Number, body func([]byte) []byte) []byte {
	b = protowire.AppendTag(b, field, protowire.BytesType)
	at := len(b)
	b = body(append(b, 0))
	n := len(b) - at - 1
	if n < 0x80 {
		b[at] = byte(n)
		return b
	}
	extra := protowire.SizeVarint(uint64(n)) - 1
	b = append(b, make([]byte, extra)...)
	copy(b[at+1+extra:], b[at+1:at+1+n])
	protowire.AppendVarint(b[:at], uint64(n))
	return b
}

func appendTime(b []byte, field protowire.Number, ms int64) []byte {
	return appendNested(b, field, func(b []byte) []byte {
		b = appendUint(b, 1, uint64(ms/1000))
		return appendUint(b, 2, uint64(ms%1000)*1e6)
	})
}
