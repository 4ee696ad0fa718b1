package land_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/project"
	"github.com/tidemill/tidemill/tidetest"
)

// A commit takes long, with a full batch and a read waiting behind it. Then
// the broker takes the process for dead, and another one lands all of it.
// What the first still commits has been overtaken, also the read that was in
// hand before the other came and gets into a batch only afterwards.
func TestOvertakenInHand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, w := &tidetest.FakeQueue{ReadSize: 1}, tidetest.NewFakeWarehouse()
		var commits atomic.Int64
		held := make(chan struct{})
		w.Fault = func(_ context.Context, at tidetest.Point, _ tidemill.Landing) error {
			if at == tidetest.BeforeCommit && commits.Add(1) == 1 {
				<-held
			}
			return nil
		}
		p := pipeline()
		p.Land.Dedupe, p.Land.Batch = "off", project.BatchLimits{Rows: 1, Bytes: 1 << 20, Wait: time.Second}
		q.Publish(messages(0, 3)...)
		slow := q.Source()
		ended := make(chan error)
		go func() {
			_, err := run(t, config(t, p, slow, w))
			ended <- err
		}()
		synctest.Wait()
		time.Sleep(time.Minute)
		slow.Crash()
		want(t, mustRun(t, config(t, p, q.Source(), w)), 3, 0, 0)
		time.Sleep(time.Minute)
		close(held)
		if err := <-ended; err != nil {
			t.Fatal(err)
		}
		if n := len(w.Rows("raw.events")); n != 3 {
			t.Errorf("%d rows have landed, want 3", n)
		}
	})
}

// The look-up for rows of others must not find those of the same reader:
// without dedupe, equal messages are rows of their own, though the second was
// read before the batch of the first was made.
func TestOwnRowsDoNotOvertake(t *testing.T) {
	q, w := &tidetest.FakeQueue{ReadSize: 2}, tidetest.NewFakeWarehouse()
	for range 20 {
		q.Publish(message(7))
	}
	p := pipeline()
	p.Land.Dedupe, p.Land.Batch.Rows = "off", 3
	want(t, mustRun(t, config(t, p, q.Source(), w)), 20, 0, 0)
}
