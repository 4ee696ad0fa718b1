package tidetest

import (
	"fmt"

	"github.com/tidemill/tidemill"
)

// note: the last one that was committed stays, and a refused one leaves none.
func (s *suite) note() {
	for i, step := range []struct {
		note   []byte
		want   string
		fenced bool
	}{{nil, "", false}, {[]byte("a\x00b"), "a\x00b", false}, {nil, "a\x00b", false}, {[]byte("c"), "a\x00b", true}, {[]byte("d"), "d", false}, {[]byte{}, "", false}} {
		l := tidemill.Landing{Pipeline: "p", Batch: fmt.Sprint(i), Note: step.note}
		if step.fenced {
			l.Marks = []tidemill.Mark{{Scope: "a", From: tidemill.Position("elsewhere"), To: tidemill.Position("1")}}
		}
		if _, err := s.w.Commit(s.Context(), l); (tidemill.CodeOf(err) == tidemill.Fenced) != step.fenced || !step.fenced && err != nil {
			s.Fatalf("commit %d: %v", i, err)
		}
		ledger, err := s.w.Ledger(s.Context(), "p")
		if err != nil || string(ledger.Note) != step.want || len(ledger.Marks) != 0 {
			s.Errorf("after commit %d the note is %q with %d marks, %v; want %q and none", i, ledger.Note, len(ledger.Marks), err, step.want)
		}
	}
}

func (s *suite) recent() {
	for i := range 30 {
		l := tidemill.Landing{Pipeline: "p", Batch: fmt.Sprint(i), Duplicates: int64(i * 10)}
		s.commit(l)
	}
	l, err := s.w.Ledger(s.Context(), "p")
	if err != nil || len(l.Recent) != 4 || l.Recent[0].Duplicates != 290 || l.Recent[3].Duplicates != 260 {
		s.Errorf("%+v, %v; want the last four batches, newest first", l.Recent, err)
	}
}
