package gen_test

import (
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/tidemill/tidemill/examples/cards/gen"
)

// TestMartsMatchTheMessages computes the figures again, from nothing but the
// bytes, and checks the story that they tell: no card is sold before it was
// printed, and one alone is sold too often.
func TestMartsMatchTheMessages(t *testing.T) {
	g := stream(t, usual)
	c := count(t, g.All(), true)
	checkMarts(t, g.Marts(), c)
	oversold := g.Summary().Oversold
	var found []string
	for id, f := range c.cards {
		if f.Sold > f.Produced {
			found = append(found, id)
		}
	}
	if len(found) != 1 || oversold == nil || found[0] != oversold.CardID {
		t.Errorf("sold too often: %v, summary says %+v", found, oversold)
	}
}

func TestBackfill(t *testing.T) {
	b, err := gen.NewBackfill(usual)
	if err != nil {
		t.Fatal(err)
	}
	inStream := map[string]bool{}
	g := stream(t, usual)
	first := ""
	for e := range g.All() {
		if e.Fault == "" {
			inStream[e.Key()] = true
		}
		if first == "" {
			first = e.Key()
		}
	}
	var older, overlap int
	var bygone []gen.Event
	for e := range b.All() {
		if _, ok := e.AppendJSON(nil); !ok {
			t.Fatalf("%s has no JSON", e.Key())
		}
		if inStream[e.Key()] {
			overlap++
			continue
		}
		if overlap > 0 {
			t.Fatalf("%s, which the stream has not, follows events that it has", e.Key())
		}
		older++
		bygone = append(bygone, e)
	}
	s := b.Summary()
	if s.Older != older || s.Overlap != overlap || s.Rows != older+overlap || overlap < 100 || older < 1000 {
		t.Errorf("%+v, counted %d older, %d overlapping", s, older, overlap)
	}
	c := count(t, func(yield func(gen.Event) bool) {
		for _, e := range bygone {
			if !yield(e) {
				return
			}
		}
	}, false)
	checkMarts(t, b.Marts(), c)
	all, err := gen.Expect(usual, true)
	if err != nil || all.Orders != b.Marts().Orders+g.Marts().Orders || len(all.ByCard) != all.Cards {
		t.Errorf("expect: %d orders, %d of %d cards, %v", all.Orders, len(all.ByCard), all.Cards, err)
	}
}

type counts struct {
	orders, lines, batches int
	cards                  map[string]*gen.CardFigures
}

func checkMarts(t *testing.T, m gen.Marts, c counts) {
	t.Helper()
	if m.Cards != len(c.cards) || m.Orders != c.orders || m.OrderLines != c.lines || m.Batches != c.batches {
		t.Errorf("%+v, counted %d cards, %d orders, %d lines, %d batches", m, len(c.cards), c.orders, c.lines, c.batches)
	}
	for _, f := range m.ByCard {
		if got := c.cards[f.CardID]; got == nil || *got != f {
			t.Errorf("%+v, counted %+v", f, got)
		}
	}
}

var rates = map[string]int64{"EUR": 100, "USD": 92, "GBP": 117, "JPY": 61}

// count reads events as the models do. With oversell one card may be sold
// though it is not in stock.
func count(t *testing.T, events func(func(gen.Event) bool), oversell bool) counts {
	t.Helper()
	types := schema(t)
	c := counts{cards: map[string]*gen.CardFigures{}}
	for e := range events {
		if e.Repeat || e.Fault != "" {
			continue
		}
		m := record{dynamicpb.NewMessage(types[e.Type])}
		if err := proto.Unmarshal(e.Body, m.m); err != nil {
			t.Fatal(err)
		}
		switch e.Type {
		case "CardCatalogCreated":
			c.cards[e.ID] = &gen.CardFigures{CardID: e.ID, Name: m.get("name").String()}
		case "ManufacturingBatch":
			c.batch(t, m)
		case "OrderCreated":
			if c.order(t, m) {
				if !oversell {
					t.Errorf("order %s sells what is not there", e.ID)
				}
			}
		}
	}
	return c
}

func (c *counts) batch(t *testing.T, m record) {
	t.Helper()
	c.batches++
	f := c.cards[m.get("card_id").String()]
	kinds := uint64(0)
	m.get("defects_by_kind").Map().Range(func(_ protoreflect.MapKey, n protoreflect.Value) bool {
		kinds += n.Uint()
		return true
	})
	produced, defects := m.get("produced").Uint(), m.get("defects").Uint()
	if kinds != defects || produced+defects > m.get("planned").Uint() {
		t.Errorf("batch %s does not add up", m.get("batch_id"))
	}
	f.Produced += int64(produced)
	f.Defects += int64(defects)
}

// order reports whether it sold a card that was not in stock.
func (c *counts) order(t *testing.T, m record) (short bool) {
	t.Helper()
	c.orders++
	lines := m.get("lines").List()
	if lines.Len() == 0 {
		t.Errorf("order %s has no lines", m.get("order_id"))
	}
	for i := range lines.Len() {
		c.lines++
		l := record{lines.Get(i).Message().Interface().(*dynamicpb.Message)}
		f := c.cards[l.get("card_id").String()]
		if f == nil {
			t.Fatalf("order %s sells an unknown card", m.get("order_id"))
		}
		if m.get("status").Enum() == 3 { // rejected
			continue
		}
		n := int64(l.get("quantity").Uint())
		f.Sold += n
		f.Revenue += n * l.get("unit_price").Int() * rates[m.get("currency").String()]
		short = short || f.Sold > f.Produced
	}
	return short
}

// record reads the fields of a message by name.
type record struct{ m *dynamicpb.Message }

func (r record) get(name protoreflect.Name) protoreflect.Value {
	return r.m.Get(r.m.Descriptor().Fields().ByName(name))
}
