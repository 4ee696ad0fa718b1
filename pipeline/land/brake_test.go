package land_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/pipeline/land"
	"github.com/tidemill/tidemill/project"
	"github.com/tidemill/tidemill/tidetest"
)

func bad(n int) (all []tidemill.Message) {
	for i := range n {
		m := message(i)
		m.Value = append(m.Value, '!')
		all = append(all, m)
	}
	return all
}

func TestBrakeAtItsLimit(t *testing.T) {
	for _, c := range []struct {
		name  string
		limit project.StopAt
		good  int
		bad   int
		stops bool
	}{
		{"at the limit", project.StopAt{Percent: 5, Window: 100}, 95, 5, false},
		{"over the limit", project.StopAt{Percent: 5, Window: 100}, 94, 6, true},
		{"over the limit before the window is full", project.StopAt{Percent: 5, Window: 100}, 0, 6, true},
		{"few letters of few messages", project.StopAt{Percent: 5, Window: 100}, 0, 5, false},
		{"29% of 100 are 29", project.StopAt{Percent: 29, Window: 100}, 71, 29, false},
		{"64.6% of 500 are 323", project.StopAt{Percent: 64.6, Window: 500}, 100, 323, false},
		{"zero tolerance", project.StopAt{Percent: 0, Window: 100}, 50, 1, true},
		{"off", project.StopAt{}, 0, 500, false},
		{"all may die", project.StopAt{Percent: 100, Window: 10}, 0, 500, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			q, w := &tidetest.FakeQueue{}, tidetest.NewFakeWarehouse()
			q.Publish(messages(0, c.good)...)
			q.Publish(bad(c.bad)...)
			p := pipeline()
			p.Dead.StopAt = c.limit
			_, err := run(t, config(t, p, q.Source(), w))
			if stops := tidemill.CodeOf(err) == tidemill.Braked; stops != c.stops {
				t.Errorf("got %v, want stop: %v", err, c.stops)
			}
			if left := q.Left(); (left > 0) != c.stops || c.stops && left != c.good+c.bad {
				t.Errorf("%d messages are left of %d", left, c.good+c.bad)
			}
		})
	}
}

func TestBrakeSaysWhy(t *testing.T) {
	q, w := &tidetest.FakeQueue{}, tidetest.NewFakeWarehouse()
	q.Publish(bad(40)...)
	for range 30 {
		q.Publish(tidemill.Message{Source: "cards", ID: "m-7", Value: []byte(`{}`)})
	}
	_, err := run(t, config(t, pipeline(), q.Source(), w))
	if err == nil || len(tidemill.Hints(err)) == 0 {
		t.Fatalf("got %v, want an error with a hint", err)
	}
	text := err.Error()
	for _, part := range []string{"51 of the last 1000", "limit of 5%", "malformed", "from orders", "unknown_type", `id "m-7"`} {
		if !strings.Contains(text, part) {
			t.Errorf("the error lacks %q: %s", part, text)
		}
	}
	if strings.Contains(text, `{"n"`) {
		t.Errorf("the error shows a payload: %s", text)
	}
	if len(w.Letters())+len(w.Rows("raw.events")) != 0 {
		t.Error("something of the batch was committed")
	}
}

// The window slides by message: old letters leave it.
func TestBrakeForgets(t *testing.T) {
	q, w := &tidetest.FakeQueue{}, tidetest.NewFakeWarehouse()
	for i := range 10 {
		q.Publish(bad(200)[20*i : 20*i+20]...)
		q.Publish(messages(1000*(i+1), 1000*(i+1)+480)...)
	}
	if s, err := run(t, config(t, pipeline(), q.Source(), w)); err != nil || s.DeadLetters != 200 {
		t.Errorf("4%% of letters stopped the pipeline: %v %+v", err, s)
	}
}

// Restarts do not open the brake: each run alone stays under the limit.
func TestBrakeSurvivesRestarts(t *testing.T) {
	q, w := &tidetest.FakeQueue{}, tidetest.NewFakeWarehouse()
	letters := bad(60)
	var err error
	runs := 0
	for ; runs < 6 && err == nil; runs++ {
		q.Publish(letters[10*runs : 10*runs+10]...)
		_, err = run(t, config(t, pipeline(), q.Source(), w))
	}
	if runs != 6 || tidemill.CodeOf(err) != tidemill.Braked || len(w.Letters()) != 50 {
		t.Errorf("run %d ended with %v and %d letters; want the sixth to stop at 50", runs, err, len(w.Letters()))
	}
}

func TestNewRefuses(t *testing.T) {
	for name, change := range map[string]func(*project.Pipeline){
		"key that is no column": func(p *project.Pipeline) { p.Land.Write, p.Land.UniqueKey = "upsert", []string{"total"} },
		"upsert without key":    func(p *project.Pipeline) { p.Land.Write = "upsert" },
		"type in an envelope":   func(p *project.Pipeline) { p.Land.Table = "raw.{type}" },
		"hash without salt":     func(p *project.Pipeline) { p.Land.Hash = []string{"a"} },
		"path without name":     func(p *project.Pipeline) { p.Land.Key.Exclude = []string{"a..b"} },
	} {
		t.Run(name, func(t *testing.T) {
			p := pipeline()
			change(&p)
			_, err := land.New(config(t, p, (&tidetest.FakeQueue{}).Source(), tidetest.NewFakeWarehouse()))
			var e *tidemill.Error
			if !errors.As(err, &e) || e.Code != tidemill.Invalid || e.Hint == "" {
				t.Errorf("got %v, want an invalid with a hint", err)
			}
		})
	}
}
