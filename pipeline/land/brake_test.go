package land_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

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
	const want = `land events: 51 of the last 1000 messages could not land, over the limit of 5%; of this batch nothing was committed or acknowledged [braked]
  40 x malformed: json: text after the value at byte N
  30 x unknown_type: the message names no type`
	if text != want {
		t.Errorf("got\n%s\nwant\n%s", text, want)
	}
	if hint := strings.Join(tidemill.Hints(err), " "); !strings.Contains(hint, "tidemill land events") {
		t.Errorf("the hint names no next command: %s", hint)
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

// forgetful is a source whose acknowledgements are lost.
type forgetful struct{ *tidetest.QueueSource }

func (forgetful) Ack(context.Context, any) error { return nil }

// A batch was committed and its acknowledgement lost, again and again: its
// letters count once.
func TestBrakeAfterLostAcks(t *testing.T) {
	q, w := &tidetest.FakeQueue{}, tidetest.NewFakeWarehouse()
	answerLetters(t, w)
	first := slices.Concat(messages(0, 10), bad(30), messages(10, 670))
	again := slices.Concat(messages(700, 980), bad(50)[30:])
	q.Publish(first...)
	mustRun(t, config(t, pipeline(), q.Source(), w))
	q.Publish(again...)
	for range 3 {
		mustRun(t, config(t, pipeline(), forgetful{q.Source()}, w))
	}
	want(t, mustRun(t, config(t, pipeline(), q.Source(), w)), 0, 300, 0)
	// Nor have those before them left the window.
	q.Publish(bad(51)[50:]...)
	if _, err := run(t, config(t, pipeline(), q.Source(), w)); tidemill.CodeOf(err) != tidemill.Braked {
		t.Errorf("got %v, want the 51st letter to stop", err)
	}
	if n := len(w.Letters()); n != 50 || q.Left() != 1 {
		t.Errorf("%d letters, %d messages left; want 50 and 1", n, q.Left())
	}
}

// Of redelivered rows only the commit knows that they have landed: then they
// do not move letters out of the window.
func TestBrakeAfterLostAcksOfRows(t *testing.T) {
	q, w := &tidetest.FakeQueue{}, tidetest.NewFakeWarehouse()
	answerLetters(t, w)
	q.Publish(bad(50)...)
	q.Publish(messages(100, 300)...)
	mustRun(t, config(t, pipeline(), q.Source(), w))
	q.Publish(messages(300, 1012)...) // come again in batches of 200 and 500, and with the letter
	mustRun(t, config(t, pipeline(), forgetful{q.Source()}, w))
	q.Publish(bad(51)[50:]...)
	if _, err := run(t, config(t, pipeline(), q.Source(), w)); tidemill.CodeOf(err) != tidemill.Braked {
		t.Errorf("got %v, want the 51st letter of 963 messages to stop", err)
	}
}

// Nothing was mended: the restored window stops at the same message, though
// the letters stand at the end of the batch before.
func TestBrakeStopsAgain(t *testing.T) {
	q, w := &tidetest.FakeQueue{}, tidetest.NewFakeWarehouse()
	answerLetters(t, w)
	q.Publish(messages(0, 1650)...) // with the letters, batches of 200, 500 and 1000
	q.Publish(bad(50)...)
	q.Publish(messages(2000, 2949)...)
	q.Publish(bad(51)[50:]...)
	q.Publish(messages(3000, 3500)...)
	for i := range 4 {
		_, err := run(t, config(t, pipeline(), q.Source(), w))
		if tidemill.CodeOf(err) != tidemill.Braked {
			t.Fatalf("run %d ended with %v, want it to stop", i, err)
		}
	}
	if n := len(w.Letters()); n != 50 || q.Left() == 0 {
		t.Errorf("%d letters, %d messages left", n, q.Left())
	}
}

// Whatever is lost between runs, the brake stops where it would have stopped
// in one run, and nowhere else.
func TestBrakeStopsAsInOneRun(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		rate := rapid.IntRange(0, 12).Draw(rt, "rate")
		dead := rapid.SliceOfN(rapid.Custom(func(rt *rapid.T) bool { return rapid.IntRange(0, 99).Draw(rt, "") < rate }), 50, 400).Draw(rt, "dead")
		p := pipeline()
		p.Land.Batch.Rows = rapid.IntRange(5, 120).Draw(rt, "rows")
		p.Dead.StopAt = project.StopAt{Percent: 10, Window: 100}
		q, w := &tidetest.FakeQueue{ReadSize: 7}, tidetest.NewFakeWarehouse()
		answerLetters(t, w)
		stop := -1
		for i, d := range dead {
			m := message(i)
			if d {
				m = bad(i + 1)[i]
			}
			q.Publish(m)
			n := 0
			for _, d := range dead[max(0, i-99) : i+1] {
				if d {
					n++
				}
			}
			if d && n > 10 && stop < 0 {
				stop = i
			}
		}
		losses := rapid.IntRange(0, 3).Draw(rt, "losses")
		for i := range losses + 3 {
			var s tidemill.Source = q.Source()
			if i < losses && stop < 0 {
				s = forgetful{q.Source()}
			}
			_, err := run(t, config(t, p, s, w))
			if stops := tidemill.CodeOf(err) == tidemill.Braked; stops != (stop >= 0) {
				rt.Fatalf("run %d ended with %v; message %d is one too many", i, err, stop)
			}
		}
		for _, d := range w.Letters() {
			if stop >= 0 && string(d.Message.Value) == string(bad(stop + 1)[stop].Value) {
				rt.Fatalf("message %d is a dead letter", stop)
			}
		}
	})
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
