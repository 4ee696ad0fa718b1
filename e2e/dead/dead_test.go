// Package dead_test runs the operations on dead letters, and the contracts of
// typed columns, on a real warehouse.
package dead_test

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/connector/duckdb"
	"github.com/tidemill/tidemill/decode"
	"github.com/tidemill/tidemill/internal/redact"
	"github.com/tidemill/tidemill/pipeline/land"
	"github.com/tidemill/tidemill/project"
	"github.com/tidemill/tidemill/tidetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func warehouse(t *testing.T) tidemill.Warehouse {
	t.Helper()
	w, err := duckdb.Open(t.Context(), duckdb.Connection{Path: "w.duckdb"}, tidemill.Env{Dir: t.TempDir(), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

func pipeline() project.Pipeline {
	return project.Pipeline{
		Name:   "events",
		Decode: project.Decode{Format: "json", Message: "type"},
		Land: project.Land{
			Table: "raw.events", Shape: "envelope", Write: "append", Dedupe: "window", Window: time.Hour, Contract: "evolve",
		},
	}
}

func config(t *testing.T, p project.Pipeline, s tidemill.Source, w tidemill.Warehouse) land.Config {
	t.Helper()
	decoder, err := decode.New(p.Decode, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return land.Config{Pipeline: p, Source: s, Warehouse: w, Decoder: decoder, Mode: land.Once}
}

func run(t *testing.T, l *land.Lander, err error, rows, duplicates, dead int64) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	s, err := l.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if s.Rows != rows || s.Duplicates != duplicates || s.DeadLetters != dead {
		t.Errorf("got %d rows, %d duplicates, %d dead letters; want %d, %d, %d", s.Rows, s.Duplicates, s.DeadLetters, rows, duplicates, dead)
	}
}

func publish(t *testing.T, p project.Pipeline, w tidemill.Warehouse, rows, duplicates, dead int64, messages ...tidemill.Message) {
	t.Helper()
	q := &tidetest.FakeQueue{}
	q.Publish(messages...)
	l, err := land.New(config(t, p, q.Source(), w))
	run(t, l, err, rows, duplicates, dead)
	if q.Left() != 0 {
		t.Errorf("%d messages were not acknowledged", q.Left())
	}
}

// text returns a result as lines of values.
func text(t *testing.T, w tidemill.Warehouse, sql string) string {
	t.Helper()
	s, err := w.Session(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	r, err := s.Query(t.Context(), sql)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Release()
	var lines []string
	for r.Next() {
		for i := range int(r.RecordBatch().NumRows()) {
			var cells []string
			for _, c := range r.RecordBatch().Columns() {
				if c.IsNull(i) {
					cells = append(cells, "-")
				} else {
					cells = append(cells, c.ValueStr(i))
				}
			}
			lines = append(lines, strings.Join(cells, " "))
		}
	}
	if err := r.Err(); err != nil {
		t.Fatal(err)
	}
	return strings.Join(lines, "\n")
}

func TestLettersOnDuckDB(t *testing.T) {
	w, p := warehouse(t), pipeline()
	p.Land.Mask, p.Dead.Undecodable = []string{"card"}, "withhold"
	p.Land.Write, p.Land.UniqueKey, p.Land.Salt = "upsert", []string{"message_id"}, redact.New("pepper")
	var messages []tidemill.Message
	for i := range 1500 {
		messages = append(messages, tidemill.Message{
			Source: "orders", Type: "T", Value: fmt.Appendf(nil, `{"card":"4111","n":%d}`, i),
			Meta: map[string]string{"app": "shop"}, Time: time.Date(2026, 11, 21, 8, 0, 0, 0, time.UTC),
		})
	}
	broken := tidemill.Message{Source: "orders", Type: "T", Value: []byte(`{"card":"4111`)}
	publish(t, p, w, 0, 1, 1501, append(messages, broken, broken)...)

	all, err := land.Letters(t.Context(), w, land.Filter{Pipeline: "events", Code: tidemill.SchemaIncompatible}, land.StatusDead, 2000)
	if err != nil || len(all) != 1500 {
		t.Fatalf("listed %d letters, %v", len(all), err)
	}
	l, err := land.FindLetter(t.Context(), w, "", all[7].Delivery.String()[:18])
	if err != nil || l.Delivery != all[7].Delivery || !l.Protected || l.Key == (tidemill.ID{}) ||
		!strings.HasPrefix(string(l.Message.Value), `{"card":"***","n":`) || l.Message.Meta["app"] != "shop" ||
		l.Message.Time.Hour() != 8 || l.DeadAt.IsZero() || l.Status != land.StatusDead {
		t.Errorf("found %+v, %v", l, err)
	}
	if n, err := land.Discard(t.Context(), w, land.Filter{Delivery: all[0].Delivery.String()}); n != 1 || err != nil {
		t.Errorf("discarded %d letters, %v", n, err)
	}

	p.Land.Write, p.Land.UniqueKey = "append", nil
	p.Land.Table = "raw.kept"
	replay, err := land.NewReplay(config(t, p, nil, w), land.Filter{Delivery: all[1].Delivery.String()})
	run(t, replay, err, 1, 0, 0)
	replay, err = land.NewReplay(config(t, p, nil, w), land.Filter{})
	run(t, replay, err, 1498, 0, 0)
	replay, err = land.NewReplay(config(t, p, nil, w), land.Filter{})
	run(t, replay, err, 0, 0, 0)
	got := text(t, w, "SELECT status, code, count(*) FROM tidemill.dead_letters GROUP BY ALL ORDER BY ALL")
	if want := "dead malformed 1\ndiscarded schema_incompatible 1\nlanded schema_incompatible 1499"; got != want {
		t.Errorf("letters are\n%s\nwant\n%s", got, want)
	}
	if got := text(t, w, "SELECT count(*), count(DISTINCT _key), min(payload->>'card') FROM raw.kept"); got != "1499 1499 ***" {
		t.Errorf("rows are %s", got)
	}
}

func TestContractsOnDuckDB(t *testing.T) {
	first := []string{`{"a":1,"b":"x","l":[1],"o":{"k":"v"}}`}
	then := []string{`{"a":2,"b":"y","c":true}`, `{"a":3.5,"b":"z"}`, `{"a":4,"b":5}`, `{"a":6,"l":[7,8],"o":{"k":"w"}}`}
	for _, c := range []struct {
		contract, columns, want string
		rows, dead              int64
	}{
		{"evolve", "a, b, c, l->>0, o->>'k'", "1 x - 1 v\n2 y true - -\n3.5 z - - -\n6 - - 7 w", 3, 1},
		{"variant", "a, b, b__int64", "1 x -\n2 y -\n3.5 z -\n4 - 5\n6 - -", 4, 0},
		{"freeze", "a, b, _unknown", "1 x -\n2 y {\"c\":true}\n6 - -", 2, 2},
		{"dead_letter", "a, b", "1 x\n6 -", 1, 3},
	} {
		t.Run(c.contract, func(t *testing.T) {
			w, p := warehouse(t), pipeline()
			p.Land.Table, p.Land.Shape, p.Land.Contract = "raw.{type}", "columns", c.contract
			as := func(payloads []string) (all []tidemill.Message) {
				for _, v := range payloads {
					all = append(all, tidemill.Message{Source: "q", Type: "OrderCreated", Value: []byte(v)})
				}
				return all
			}
			publish(t, p, w, 1, 0, 0, as(first)...)
			publish(t, p, w, c.rows, 0, c.dead, as(then)...)
			got := text(t, w, "SELECT "+c.columns+" FROM raw.order_created ORDER BY a")
			if trimZeros(got) != c.want {
				t.Errorf("the table holds\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

// trimZeros writes decimals as short as they can be.
func trimZeros(s string) string {
	lines := strings.Split(s, "\n")
	for i, line := range lines {
		words := strings.Split(line, " ")
		for j, w := range words {
			if strings.Contains(w, ".") {
				words[j] = strings.TrimRight(strings.TrimRight(w, "0"), ".")
			}
		}
		lines[i] = strings.Join(words, " ")
	}
	return strings.Join(lines, "\n")
}
