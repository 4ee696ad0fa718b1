package land_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/pipeline/land"
	"github.com/tidemill/tidemill/project"
	"github.com/tidemill/tidemill/tidetest"
)

// sizes lands what q holds and returns the messages of each batch.
func sizes(t *testing.T, q *tidetest.FakeQueue, limits project.BatchLimits) (all []int64) {
	t.Helper()
	w := tidetest.NewFakeWarehouse()
	p := pipeline()
	p.Land.Batch, p.Land.Batch.Wait = limits, time.Hour
	mustRun(t, config(t, p, q.Source(), w))
	for _, r := range w.Receipts("events") {
		all = append(all, r.Rows+r.Duplicates+r.Dead)
	}
	return all
}

// Batches begin small and double, so that a process that dies early lands
// something before it does.
func TestSlowStart(t *testing.T) {
	q := &tidetest.FakeQueue{ReadSize: 16}
	q.Publish(messages(0, 256+512+1000+1000+7)...)
	got := sizes(t, q, project.BatchLimits{Rows: 1000, Bytes: 1 << 30})
	if !slices.Equal(got, []int64{256, 512, 992, 992, 23}) {
		t.Errorf("batches have %v messages", got)
	}
}

func TestBytesCloseABatch(t *testing.T) {
	q := &tidetest.FakeQueue{ReadSize: 1}
	for i := range 10 {
		m := message(i)
		m.Value = []byte(`"` + strings.Repeat("x", 998) + `"`) // a letter: payloads are objects
		q.Publish(m)
	}
	q.Publish(tidemill.Message{Source: "orders", Type: "T", Value: []byte(strings.Repeat(" ", 9000))}, message(1))
	got := sizes(t, q, project.BatchLimits{Rows: 1000, Bytes: 4000})
	// A message over the limit of a batch is a batch of its own.
	if !slices.Equal(got, []int64{4, 4, 2, 1, 1}) {
		t.Errorf("batches have %v messages", got)
	}
}

// Redelivered messages are looked up in the whole table, once per batch.
func TestRedeliveredBatchesGrow(t *testing.T) {
	q := &tidetest.FakeQueue{ReadSize: 50}
	for _, m := range messages(0, 3000) {
		m.Redelivered = true
		q.Publish(m)
	}
	q.Publish(messages(3000, 4000)...)
	got := sizes(t, q, project.BatchLimits{Rows: 300, Bytes: 400_000})
	if n := len(got); got[0] != 250 || got[1] < 1500 || got[1] > 400_000/256 || got[n-1] > 300 {
		t.Errorf("batches have %v messages; want a small one, then by bytes, then by rows", got)
	}
}

// While a commit takes its time, no more than the next batch and one read
// are taken from the source.
func TestMemoryIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, w := &tidetest.FakeQueue{ReadSize: 10}, tidetest.NewFakeWarehouse()
		told := make(chan struct{})
		w.Fault = func(_ context.Context, at tidetest.Point, _ tidemill.Landing) error {
			if at == tidetest.BeforeCommit {
				<-told
			}
			return nil
		}
		q.Publish(messages(0, 5000)...)
		p := pipeline()
		p.Land.Batch = project.BatchLimits{Rows: 100, Bytes: 1 << 20, Wait: time.Millisecond}
		cfg := config(t, p, q.Source(), w)
		var last land.Progress
		cfg.Progress = func(p land.Progress) { last = p }
		ended := make(chan land.Summary, 1)
		go func() { ended <- mustRun(t, cfg) }()
		time.Sleep(time.Hour)
		if n := q.Unacked(); n > 100+100+10 {
			t.Errorf("%d messages were taken, want two batches and a read at most", n)
		}
		close(told)
		sum := <-ended
		want(t, sum, 5000, 0, 0)
		if last.Messages != 5000 || last.Rows != 5000 || last.Bytes == 0 || last.Rate <= 0 || last.Batches != sum.Batches {
			t.Errorf("the last progress was %+v", last)
		}
	})
}

// Order is kept through the workers.
func TestOrder(t *testing.T) {
	q, w := &tidetest.FakeQueue{ReadSize: 700}, tidetest.NewFakeWarehouse()
	q.Publish(messages(0, 3000)...)
	cfg := config(t, pipeline(), q.Source(), w)
	cfg.Workers = 5
	mustRun(t, cfg)
	for i, r := range w.Rows("raw.events") {
		if r.Values["payload"] != string(message(i).Value) {
			t.Fatalf("row %d is %s", i, r.Values["payload"])
		}
	}
}

func TestStopBeforeRun(t *testing.T) {
	q, w := &tidetest.FakeQueue{}, tidetest.NewFakeWarehouse()
	q.Publish(messages(0, 10)...)
	l, err := land.New(config(t, pipeline(), q.Source(), w))
	if err != nil {
		t.Fatal(err)
	}
	l.Stop()
	if s, err := l.Run(t.Context()); err != nil || s.Rows != 0 {
		t.Errorf("got %+v, %v, want nothing", s, err)
	}
	if q.Left() != 10 {
		t.Errorf("%d messages are left of 10", q.Left())
	}
}

// A commit that fails while the run is being stopped is not tried for ever.
func TestStopEndsRetries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, w := &tidetest.FakeQueue{}, tidetest.NewFakeWarehouse()
		down := tidemill.Transient(context.DeadlineExceeded)
		w.Fault = func(_ context.Context, at tidetest.Point, _ tidemill.Landing) error {
			if at == tidetest.BeforeCommit {
				return down
			}
			return nil
		}
		q.Publish(messages(0, 10)...)
		l, err := land.New(config(t, pipeline(), q.Source(), w))
		if err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(time.Hour, l.Stop)
		start := time.Now()
		if _, err := l.Run(t.Context()); err == nil {
			t.Error("the batch in hand was not committed, and Run said nothing")
		}
		if took := time.Since(start); took != time.Hour {
			t.Errorf("ended after %v, want when stopped", took)
		}
	})
}
