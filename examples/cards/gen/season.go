package gen

import "time"

// season is a span of the company's history.
type season struct {
	series   string
	code     string // begins the ids of its cards
	stream   uint64 // keeps its random numbers apart from those of other seasons
	names    int    // where its cards begin in the list of names
	start    time.Time
	length   time.Duration
	oversell bool
}

const maxCards = 400

// The current season is what the queues carry. The past one was kept by an
// older system, of which only an export is left: the backfill.
var (
	current = season{
		series: "Second Dawn", code: "SD", stream: 2, names: maxCards,
		start: time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC), length: 30 * 24 * time.Hour,
		oversell: true,
	}
	bygone = season{
		series: "First Light", code: "FL", stream: 1, names: 0,
		start: time.Date(2025, 11, 1, 8, 0, 0, 0, time.UTC), length: 90 * 24 * time.Hour,
	}
)

// at returns the time of the i-th of n things that are spread over the season.
func (s season) at(i, n int) time.Time {
	step := s.length / time.Duration(max(n, 1))
	return s.start.Add(time.Duration(i) * step).Truncate(time.Millisecond)
}

// currency has a rate that is fixed for the whole example, as in
// seeds/currencies.csv.
type currency struct {
	code string
	rate int64 // ten-thousandths of a euro for one minor unit
}

var currencies = []currency{{"EUR", 100}, {"USD", 92}, {"GBP", 117}, {"JPY", 61}}

// price converts euro cents to minor units, rounded.
func (c currency) price(cents int64) int64 {
	return max(1, (cents*100+c.rate/2)/c.rate)
}

// machine has a rate of defects that tells which one needs service.
type machine struct {
	id      string
	defects float64
}

var machines = []machine{
	{"press-1", 0.004},
	{"press-2", 0.007},
	{"press-3", 0.005},
	{"press-4", 0.011},
	{"press-5", 0.048},
	{"press-6", 0.009},
}

// rarities and statuses are the names of the schema's enums by number.
var (
	rarities = []string{"RARITY_UNSPECIFIED", "RARITY_COMMON", "RARITY_UNCOMMON", "RARITY_RARE", "RARITY_MYTHIC"}
	statuses = []string{"ORDER_STATUS_UNSPECIFIED", "ORDER_STATUS_PENDING", "ORDER_STATUS_PAID", "ORDER_STATUS_REJECTED"}
)

const (
	pending  = 1
	paid     = 2
	rejected = 3
)
