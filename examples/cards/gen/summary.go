package gen

import "maps"

// Summary counts a stream. Published = Unique + Duplicates + Malformed, and a
// consumer that keeps its promises lands Unique rows, recognises Duplicates,
// and keeps Malformed dead letters: no two malformed messages are alike but
// for repeats, which are counted as duplicates.
type Summary struct {
	Published  int            `json:"published"`
	Unique     int            `json:"unique"`
	Duplicates int            `json:"duplicates"`
	Malformed  int            `json:"malformed"`
	Types      map[string]int `json:"types"`  // Unique by message type
	Faults     map[Fault]int  `json:"faults"` // Malformed by kind
	Bytes      int64          `json:"bytes"`  // of all bodies
	Oversold   *Oversold      `json:"oversold,omitempty"`
}

// Oversold is the card that was sold more often than it was printed.
type Oversold struct {
	CardID   string `json:"card_id"`
	Name     string `json:"name"`
	Sold     int64  `json:"sold"`
	Produced int64  `json:"produced"`
}

func (s *Summary) add(e Event) {
	s.Published++
	s.Bytes += int64(len(e.Body))
	switch {
	case e.Repeat:
		s.Duplicates++
	case e.Fault != "":
		s.Malformed++
		s.Faults[e.Fault]++
	default:
		s.Unique++
		s.Types[e.Type]++
	}
}

func (s Summary) clone() Summary {
	s.Types = maps.Clone(s.Types)
	s.Faults = maps.Clone(s.Faults)
	return s
}
