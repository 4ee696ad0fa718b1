package land_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/decode"
	"github.com/tidemill/tidemill/pipeline/land"
	"github.com/tidemill/tidemill/project"
	"github.com/tidemill/tidemill/tidetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// pipeline returns the pipeline that a project file with no options gives.
func pipeline() project.Pipeline {
	return project.Pipeline{
		Name:   "events",
		Decode: project.Decode{Format: "json", Message: "type"},
		Land: project.Land{
			Table: "raw.events", Shape: "envelope", Write: "append",
			Dedupe: "window", Window: time.Hour, Contract: "evolve",
			Batch: project.BatchLimits{Rows: 1000, Bytes: 1 << 20, Wait: time.Second},
		},
		Dead: project.Dead{StopAt: project.StopAt{Percent: 5, Window: 1000}},
	}
}

// config returns what lands a queue in a warehouse.
func config(t testing.TB, p project.Pipeline, s tidemill.Source, w tidemill.Warehouse) land.Config {
	t.Helper()
	decoder, err := decode.New(p.Decode, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return land.Config{Pipeline: p, Source: s, Warehouse: w, Decoder: decoder, Mode: land.Once}
}

func run(t testing.TB, cfg land.Config) (land.Summary, error) {
	t.Helper()
	l, err := land.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return l.Run(t.Context())
}

func mustRun(t testing.TB, cfg land.Config) land.Summary {
	t.Helper()
	s, err := run(t, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// message returns event n as a producer without message ids sends it.
func message(n int) tidemill.Message {
	return tidemill.Message{Source: "orders", Type: "OrderCreated", Value: fmt.Appendf(nil, `{"n":%d}`, n)}
}

func messages(from, to int) (all []tidemill.Message) {
	for n := from; n < to; n++ {
		all = append(all, message(n))
	}
	return all
}

func want(t testing.TB, got land.Summary, rows, duplicates, dead int64) {
	t.Helper()
	if got.Rows != rows || got.Duplicates != duplicates || got.DeadLetters != dead {
		t.Errorf("got %d rows, %d duplicates, %d dead letters; want %d, %d, %d",
			got.Rows, got.Duplicates, got.DeadLetters, rows, duplicates, dead)
	}
}

func TestEnvelope(t *testing.T) {
	q, w := &tidetest.FakeQueue{}, tidetest.NewFakeWarehouse()
	q.Publish(tidemill.Message{
		Source: "orders", Type: "OrderCreated", ID: "m-1", Value: []byte(` {"b": 1.50, "a": "x"} `),
		Meta: map[string]string{"routing_key": "eu", "app": "sh\xffop"}, Time: time.Date(2026, 11, 21, 8, 0, 0, 5000, time.UTC),
	})
	q.Publish(tidemill.Message{Source: "cards", Type: "CardCatalogCreated", Value: []byte(`{}`)})
	got := mustRun(t, config(t, pipeline(), q.Source(), w))
	want(t, got, 2, 0, 0)
	if got.Pipeline != "events" || got.Batches != 1 {
		t.Errorf("got %+v, want one batch of events", got)
	}
	rows := w.Rows("raw.events")
	for column, value := range map[string]string{
		"source": "orders", "type": "OrderCreated", "message_id": "m-1", "payload": `{"a":"x","b":1.5}`,
		"meta": `{"app":"sh�op","routing_key":"eu"}`, "_pipeline": "events", "_source_time": "2026-11-21T08:00:00.000005Z",
	} {
		if rows[0].Values[column] != value {
			t.Errorf("%s is %s, want %s", column, rows[0].Values[column], value)
		}
	}
	for _, column := range []string{"message_id", "meta", "_source_time"} {
		if v, ok := rows[1].Values[column]; ok {
			t.Errorf("%s is %q where there is none, want null", column, v)
		}
	}
	if rows[0].Values["_batch"] == "" || rows[0].Values["_batch"] != rows[1].Values["_batch"] {
		t.Errorf("_batch is %q and %q", rows[0].Values["_batch"], rows[1].Values["_batch"])
	}
	if q.Left() != 0 {
		t.Errorf("%d messages were not acknowledged", q.Left())
	}
}

func TestDuplicates(t *testing.T) {
	for _, c := range []struct {
		dedupe           string
		rows, duplicates int64
	}{{"window", 10, 5}, {"forever", 10, 5}, {"off", 15, 0}} {
		t.Run(c.dedupe, func(t *testing.T) {
			q, w := &tidetest.FakeQueue{}, tidetest.NewFakeWarehouse()
			q.Publish(messages(0, 10)...)
			q.Publish(messages(3, 8)...)
			p := pipeline()
			p.Land.Dedupe = c.dedupe
			want(t, mustRun(t, config(t, p, q.Source(), w)), c.rows, c.duplicates, 0)

			// Redelivered, they are recognised in every mode.
			for _, m := range messages(0, 10) {
				m.Redelivered = true
				q.Publish(m, m)
			}
			want(t, mustRun(t, config(t, p, q.Source(), w)), 0, 20, 0)
		})
	}
}

func TestDeadLetters(t *testing.T) {
	q, w := &tidetest.FakeQueue{}, tidetest.NewFakeWarehouse()
	bad := tidemill.Message{Source: "orders", Type: "OrderCreated", ID: "b\xff", Value: []byte(`{"n":`), Meta: map[string]string{"x": "\xfe"}}
	q.Publish(message(1), bad, message(2), bad)
	q.Publish(tidemill.Message{Source: "orders", Type: "OrderCreated"})
	q.Publish(tidemill.Message{Source: "orders", Type: "OrderCreated", Value: []byte(strings.Repeat(" ", 3000))})
	q.Publish(tidemill.Message{Source: "orders", Value: []byte(`{}`)}, message(3))
	cfg := config(t, pipeline(), q.Source(), w)
	cfg.MaxMessage = 2000
	want(t, mustRun(t, cfg), 3, 1, 4)
	letters := w.Letters()
	for i, code := range []tidemill.Code{tidemill.Malformed, tidemill.Empty, tidemill.TooLarge, tidemill.UnknownType} {
		if letters[i].Code != code || letters[i].Reason == "" {
			t.Errorf("letter %d is %s %q, want %s and a reason", i, letters[i].Code, letters[i].Reason, code)
		}
	}
	if m := letters[0].Message; string(m.Value) != `{"n":` || m.ID != "b\uFFFD" || m.Meta["x"] != "\uFFFD" {
		t.Errorf("the letter has %+v, want its bytes, and text that can be stored", m)
	}
	if len(letters[2].Message.Value) != 3000 {
		t.Errorf("the large letter has %d bytes, want all 3000", len(letters[2].Message.Value))
	}
}

func TestWaitClosesABatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, w := &tidetest.FakeQueue{}, tidetest.NewFakeWarehouse()
		cfg := config(t, pipeline(), q.Source(), w)
		cfg.Mode = land.Forever
		l, err := land.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan error, 1)
		go func() {
			_, err := l.Run(t.Context())
			done <- err
		}()
		q.Publish(message(1))
		time.Sleep(900 * time.Millisecond)
		q.Publish(message(2))
		synctest.Wait()
		if n := len(w.Rows("raw.events")); n != 0 {
			t.Errorf("%d rows had landed before the wait was over", n)
		}
		time.Sleep(101 * time.Millisecond)
		synctest.Wait()
		if n := len(w.Rows("raw.events")); n != 2 {
			t.Errorf("%d rows have landed after the wait of the first, want 2", n)
		}
		q.Publish(message(3))
		synctest.Wait()
		l.Stop()
		l.Stop()
		if err := <-done; err != nil {
			t.Errorf("a stopped run returned %v", err)
		}
		if n := len(w.Rows("raw.events")); n != 3 || q.Left() != 0 {
			t.Errorf("after Stop %d rows have landed and %d messages are left, want 3 and 0", n, q.Left())
		}
	})
}

func TestUntilIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, w := &tidetest.FakeQueue{Prefetch: 10}, tidetest.NewFakeWarehouse()
		w.Fault = func(_ context.Context, at tidetest.Point, _ tidemill.Landing) error {
			if at == tidetest.BeforeCommit {
				time.Sleep(time.Minute) // much longer than idle: silence of a full prefetch does not count
			}
			return nil
		}
		q.Publish(messages(0, 50)...)
		cfg := config(t, pipeline(), q.Source(), w)
		cfg.Mode = land.UntilIdle(2 * time.Second)
		want(t, mustRun(t, cfg), 50, 0, 0)
		if q.Left() != 0 {
			t.Errorf("%d messages are left", q.Left())
		}
	})
}

func TestCommitIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, w := &tidetest.FakeQueue{}, tidetest.NewFakeWarehouse()
		batches := map[string]int{}
		w.Fault = func(_ context.Context, at tidetest.Point, l tidemill.Landing) error {
			if at != tidetest.BeforeCommit && at != tidetest.AfterCommit {
				return nil
			}
			batches[l.Batch]++
			if batches[l.Batch] < 4 {
				return tidemill.Transient(errors.New("the line is down"))
			}
			return nil
		}
		q.Publish(messages(0, 10)...)
		want(t, mustRun(t, config(t, pipeline(), q.Source(), w)), 10, 0, 0)
		if len(batches) != 1 || len(w.Rows("raw.events")) != 10 {
			t.Errorf("committed batches %v, want one id for all attempts", batches)
		}
	})
}

func TestFinalErrorStopsUnacknowledged(t *testing.T) {
	q, w := &tidetest.FakeQueue{}, tidetest.NewFakeWarehouse()
	full := errors.New("disk is full")
	w.Fault = func(_ context.Context, at tidetest.Point, _ tidemill.Landing) error {
		if at == tidetest.BeforeCommit {
			return full
		}
		return nil
	}
	q.Publish(messages(0, 10)...)
	if _, err := run(t, config(t, pipeline(), q.Source(), w)); !errors.Is(err, full) {
		t.Errorf("got %v, want %v", err, full)
	}
	if q.Left() != 10 {
		t.Errorf("%d messages are left, want all 10", q.Left())
	}
}

func TestCancelReturnsAtOnce(t *testing.T) {
	q, w := &tidetest.FakeQueue{}, tidetest.NewFakeWarehouse()
	ctx, cancel := context.WithCancelCause(t.Context())
	second := errors.New("second interrupt")
	w.Fault = func(ctx context.Context, at tidetest.Point, _ tidemill.Landing) error {
		if at != tidetest.BeforeCommit {
			return nil
		}
		cancel(second)
		<-ctx.Done()
		return ctx.Err()
	}
	q.Publish(messages(0, 10)...)
	l, err := land.New(config(t, pipeline(), q.Source(), w))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Run(ctx); !errors.Is(err, second) {
		t.Errorf("got %v, want the cause", err)
	}
	if q.Left() != 10 {
		t.Errorf("%d messages are left, want all 10", q.Left())
	}
}
