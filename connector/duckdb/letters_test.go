package duckdb

import (
	"slices"
	"strings"
	"testing"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/sqlgen"
)

func TestRecordedLetters(t *testing.T) {
	w := open(t, inMemory)
	for pipeline, names := range map[string][]string{"p": {"a", "b"}, "another": {"c"}} {
		l := tidemill.Landing{Pipeline: pipeline, Batch: pipeline}
		for _, n := range names {
			l.Dead = append(l.Dead, tidemill.DeadLetter{Delivery: id(n), Code: tidemill.Empty})
		}
		if _, err := w.Commit(t.Context(), l); err != nil {
			t.Fatal(err)
		}
	}
	s, err := w.Session(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	sql, err := sqlgen.Render(tidemill.DuckDB, sqlgen.RecordedLetters{})
	if err != nil {
		t.Fatal(err)
	}
	var asked, got []string
	for _, n := range []string{"a", "b", "c", "d"} {
		asked = append(asked, id(n).String())
	}
	r, err := s.Query(t.Context(), sql, "p", strings.Join(asked, ","))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Release()
	for r.Next() {
		for i := range int(r.RecordBatch().NumRows()) {
			got = append(got, strings.Clone(r.RecordBatch().Column(0).ValueStr(i)))
		}
	}
	slices.Sort(got)
	want := asked[:2]
	slices.Sort(want)
	if r.Err() != nil || !slices.Equal(got, want) {
		t.Errorf("got %v, %v; want %v", got, r.Err(), want)
	}
}
