package gen

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
)

// The JSON of the backfill is what an export of an old table looks like: the
// names of the schema rather than those of protobuf's JSON, 64-bit integers
// as numbers, zeros written out, fields in another order. Parsed by the schema
// it is equal to the same event as protobuf.

func (c *card) appendJSON(b []byte) []byte {
	o := openObject(b)
	o.int("list_price", c.listPrice)
	o.text("card_id", c.id)
	o.text("name", c.name)
	o.text("series", c.series)
	o.text("rarity", rarities[c.rarity])
	o.time("created_at", c.createdAt)
	o.b = appendList(o.key("tags"), c.tags, appendText)
	attributes := openObject(o.key("attributes"))
	for _, a := range c.attributes {
		attributes.text(a.name, a.value)
	}
	o.b = attributes.close()
	if c.printLimit > 0 {
		o.int("print_limit", int64(c.printLimit))
	}
	return o.close()
}

func (m *batch) appendJSON(b []byte) []byte {
	o := openObject(b)
	o.text("machine_id", m.machineID)
	o.text("batch_id", m.id)
	o.text("card_id", m.cardID)
	o.int("planned", int64(m.planned))
	o.int("produced", int64(m.produced))
	o.int("defects", int64(m.defects))
	kinds := openObject(o.key("defects_by_kind"))
	for i, n := range m.byKind {
		if n > 0 {
			kinds.int(defectKinds[i], int64(n))
		}
	}
	o.b = kinds.close()
	o.time("started_at", m.startedAt)
	o.time("finished_at", m.finishedAt)
	if m.humidity > 0 {
		o.b = strconv.AppendFloat(o.key("humidity_percent"), m.humidity, 'f', -1, 64)
	}
	return o.close()
}

func (o *order) appendJSON(b []byte) []byte {
	out := openObject(b)
	out.time("created_at", o.createdAt)
	out.text("order_id", o.id)
	out.text("currency", o.currency.code)
	out.text("status", statuses[o.status])
	customer := openObject(out.key("customer"))
	customer.text("customer_id", o.customerID)
	customer.text("email", o.email)
	customer.text("country", o.country)
	out.b = customer.close()
	out.b = appendList(out.key("lines"), o.lines, func(b []byte, l line) []byte {
		lo := openObject(b)
		lo.text("card_id", l.cardID)
		lo.int("quantity", int64(l.quantity))
		lo.int("unit_price", l.unitPrice)
		return lo.close()
	})
	o.channel.appendJSON(&out)
	if o.note != "" {
		out.text("note", o.note)
	}
	if o.shipTo.street != "" {
		to := openObject(out.key("ship_to"))
		to.text("street", o.shipTo.street)
		to.text("postal_code", o.shipTo.postalCode)
		to.text("city", o.shipTo.city)
		out.b = to.close()
	}
	return out.close()
}

func (c *channel) appendJSON(o *object) {
	switch c.kind {
	case 'w':
		web := openObject(o.key("web"))
		web.text("session_id", c.session)
		web.text("landing_page", c.page)
		if c.coupon != "" {
			web.text("coupon", c.coupon)
		}
		web.text("user_agent", c.userAgent)
		o.b = web.close()
	case 's':
		shop := openObject(o.key("shop"))
		shop.text("shop_id", c.shopID)
		shop.int("till", int64(c.till))
		o.b = shop.close()
	default:
		partner := openObject(o.key("partner"))
		partner.text("name", c.partnerName)
		partner.text("reference", c.reference)
		o.b = partner.close()
	}
}

// object appends a JSON object to b.
type object struct {
	b     []byte
	start int
}

func openObject(b []byte) object { return object{b: append(b, '{'), start: len(b) + 1} }

func (o *object) close() []byte { return append(o.b, '}') }

func (o *object) key(name string) []byte {
	if len(o.b) > o.start {
		o.b = append(o.b, ',')
	}
	return append(appendText(o.b, name), ':')
}

func (o *object) text(name, value string) { o.b = appendText(o.key(name), value) }

func (o *object) int(name string, value int64) { o.b = strconv.AppendInt(o.key(name), value, 10) }

func (o *object) time(name string, ms int64) {
	o.b = time.UnixMilli(ms).UTC().AppendFormat(o.key(name), `"`+time.RFC3339Nano+`"`)
}

func appendText(b []byte, s string) []byte {
	if strings.ContainsAny(s, "\"\\\n\r\t") {
		quoted, err := json.Marshal(s)
		if err != nil {
			panic("gen: JSON of a string: " + err.Error()) // cannot be: every string has one
		}
		return append(b, quoted...)
	}
	return append(append(append(b, '"'), s...), '"')
}

func appendList[T any](b []byte, list []T, one func([]byte, T) []byte) []byte {
	b = append(b, '[')
	for i, v := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = one(b, v)
	}
	return append(b, ']')
}

func appendDouble(b []byte, field protowire.Number, v float64) []byte {
	if v == 0 {
		return b
	}
	return protowire.AppendFixed64(protowire.AppendTag(b, field, protowire.Fixed64Type), math.Float64bits(v))
}
