package gen

// Marts are the figures that the tables built from a stream must show.
type Marts struct {
	Cards      int `json:"cards"`       // rows of dim_card
	Orders     int `json:"orders"`      // distinct orders in fct_orders
	OrderLines int `json:"order_lines"` // rows of fct_orders
	Batches    int `json:"batches"`     // rows of fct_batch_performance

	ByCard []CardFigures `json:"by_card"` // in the order of the catalogue
}

// CardFigures are the totals of one card. Orders whose payment was refused
// sell nothing.
type CardFigures struct {
	CardID   string `json:"card_id"`
	Name     string `json:"name"`
	Produced int64  `json:"produced"` // good cards
	Defects  int64  `json:"defects"`
	Sold     int64  `json:"sold"`
	Revenue  int64  `json:"revenue"` // ten-thousandths of a euro
}

// Marts returns the figures of the events that Next has returned so far.
func (g *Generator) Marts() Marts {
	m := g.world.totals
	m.ByCard = append([]CardFigures(nil), g.world.tally[:m.Cards]...)
	return m
}

// Plus returns the figures of two streams that share no event, m's cards
// first.
func (m Marts) Plus(o Marts) Marts {
	return Marts{
		Cards: m.Cards + o.Cards, Orders: m.Orders + o.Orders,
		OrderLines: m.OrderLines + o.OrderLines, Batches: m.Batches + o.Batches,
		ByCard: append(append([]CardFigures(nil), m.ByCard...), o.ByCard...),
	}
}
