package land_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/internal/canon"
	"github.com/tidemill/tidemill/pipeline/land"
	"github.com/tidemill/tidemill/tidetest"
)

// chaos decides, from a seed, how long each call takes and which ones fail.
// In a synctest bubble the delays decide the order of all that happens, so a
// seed is an interleaving.
type chaos struct {
	mu   sync.Mutex
	rand *rand.Rand
	calm bool // no more failures
}

func newChaos(seed uint64) *chaos { return &chaos{rand: rand.New(rand.NewPCG(seed, 1))} }

func (c *chaos) n(n int) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.rand.IntN(n)
}

// delay sleeps, mostly for a little, at times for long.
func (c *chaos) delay() {
	d := time.Duration(c.n(1000)) * time.Microsecond
	if c.n(10) == 0 {
		d *= 1000
	}
	time.Sleep(d)
}

func (c *chaos) fails(oneIn int) bool {
	c.mu.Lock()
	calm := c.calm
	c.mu.Unlock()
	return !calm && c.n(oneIn) == 0
}

// fault is the warehouse's share.
func (c *chaos) fault(_ context.Context, at tidetest.Point, _ tidemill.Landing) error {
	c.delay()
	switch {
	case at == tidetest.BeforeCommit && c.fails(6):
		return tidetest.ErrDetached
	case c.fails(6):
		return tidemill.Transient(fmt.Errorf("%s: connection reset", at))
	case c.fails(40):
		return fmt.Errorf("%s: refused", at)
	}
	return nil
}

// source is a source whose calls take their time and fail.
type source struct {
	tidemill.Source
	*chaos
}

func (s source) Drain(ctx context.Context) error { return s.Source.(tidemill.Drainer).Drain(ctx) }

func (s source) Read(ctx context.Context) (tidemill.Batch, error) {
	s.delay()
	if s.fails(100) {
		return tidemill.Batch{}, errors.New("read: connection reset")
	}
	return s.Source.Read(ctx)
}

func (s source) Ack(ctx context.Context, token any) error {
	s.delay()
	if s.fails(10) {
		return errors.New("ack: connection reset")
	}
	return s.Source.Ack(ctx, token)
}

// lives runs processes until one of them ends as it should: each dies at a
// random moment, and the next may begin before it is quite dead.
func (c *chaos) lives(t *testing.T, open func() (tidemill.Source, func()), w *tidetest.FakeWarehouse, dedupe string) {
	var zombies sync.WaitGroup
	for life := 0; ; life++ {
		if life == 30 {
			c.mu.Lock()
			c.calm = true
			c.mu.Unlock()
			zombies.Wait()
		}
		src, drop := open()
		p := pipeline()
		p.Land.Dedupe, p.Land.Batch.Rows, p.Dead.StopAt.Window = dedupe, 1+c.n(60), 0
		ctx, kill := context.WithCancel(t.Context())
		l, err := land.New(config(t, p, source{src, c}, w))
		if err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() {
			_, err := l.Run(ctx)
			ended <- err
		}()
		death := time.After(time.Duration(c.n(3000)) * time.Millisecond)
		if life >= 30 {
			death = nil
		}
		select {
		case err := <-ended:
			kill()
			if err == nil && life >= 30 {
				return
			}
			if life > 100 {
				t.Fatalf("calm life %d ended with %v", life, err)
			}
			continue
		case <-death:
		}
		switch c.n(3) {
		case 0: // the broker sees it first
			drop()
			c.delay()
			kill()
		case 1: // killed, and the broker sees it later
			kill()
		case 2: // it lives on beside the next for a while
			zombies.Go(func() {
				time.Sleep(time.Duration(c.n(2000)) * time.Millisecond)
				kill()
				<-ended
			})
			continue
		}
		<-ended
	}
}

// event is message n, every ninth of them malformed.
func event(n int) tidemill.Message {
	m := message(n)
	if n%9 == 0 {
		m.Value = append(m.Value, '!')
	}
	return m
}

// once fails unless each of n events is where it belongs exactly once.
func once(t *testing.T, w *tidetest.FakeWarehouse, n int) {
	t.Helper()
	where := map[tidemill.ID]int{}
	for _, r := range w.Rows("raw.events") {
		where[r.Delivery]++
	}
	for _, d := range w.Letters() {
		where[d.Delivery] += 1000
	}
	for i := range n {
		m, want := event(i), 1
		if i%9 == 0 {
			want = 1000
		}
		if got := where[canon.Delivery(m.Source, m.Type, m.ID, m.Value)]; got != want {
			t.Errorf("event %d is in %d rows and %d dead letters", i, got%1000, got/1000)
		}
	}
	if len(where) != n {
		t.Errorf("%d deliveries are stored, want %d", len(where), n)
	}
}

const seeds = 50

func TestCrashQueue(t *testing.T) {
	for seed := range uint64(seeds) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { crashQueue(t, newChaos(seed)) })
		})
	}
}

func crashQueue(t *testing.T, c *chaos) {
	const n = 300
	w := tidetest.NewFakeWarehouse()
	w.Fault, w.Detached = c.fault, func(tidemill.Landing) { c.delay(); c.delay() }
	q := &tidetest.FakeQueue{ReadSize: 1 + c.n(30), Prefetch: 30 + c.n(200)}
	q.OnAck = func(acked []tidemill.Message) {
		stored := map[tidemill.ID]bool{}
		for _, r := range w.Rows("raw.events") {
			stored[r.Delivery] = true
		}
		for _, d := range w.Letters() {
			stored[d.Delivery] = true
		}
		for _, m := range acked {
			if !stored[canon.Delivery(m.Source, m.Type, m.ID, m.Value)] {
				t.Errorf("%s was acknowledged before its commit", m.Value)
			}
		}
	}
	for i := range n {
		q.Publish(event(i))
	}
	breaking, stop := context.WithCancel(t.Context())
	var breaker sync.WaitGroup
	breaker.Go(func() {
		for breaking.Err() == nil {
			time.Sleep(time.Duration(c.n(2000)) * time.Millisecond)
			if !c.fails(1) {
				return // calm
			}
			q.Break()
		}
	})
	dedupe := []string{"off", "window", "forever"}[c.n(3)]
	c.lives(t, func() (tidemill.Source, func()) {
		s := q.Source()
		return s, s.Crash
	}, w, dedupe)
	stop()
	breaker.Wait()
	_ = w.Close()
	if q.Left() != 0 {
		t.Errorf("%d messages are left in the queue", q.Left())
	}
	once(t, w, n)
	addUp(t, w)
}

func TestCrashLog(t *testing.T) {
	for seed := range uint64(seeds) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { crashLog(t, newChaos(seed)) })
		})
	}
}

func crashLog(t *testing.T, c *chaos) {
	const n = 300
	w := tidetest.NewFakeWarehouse()
	w.Fault, w.Detached = c.fault, func(tidemill.Landing) { c.delay(); c.delay() }
	log := &tidetest.FakeLog{Scope: "orders.ndjson", ReadSize: 1 + c.n(30)}
	log.OnAck = func(to int) {
		if got := len(w.Rows("raw.events")) + len(w.Letters()); got < to {
			t.Errorf("acknowledged up to %d with %d committed", to, got)
		}
	}
	for i := range n {
		log.Append(event(i))
	}
	c.lives(t, func() (tidemill.Source, func()) { return log.Source(), func() {} }, w, "off")
	_ = w.Close()
	once(t, w, n)
	addUp(t, w)
}

// addUp fails unless the figures of the ledger are those of the tables.
func addUp(t *testing.T, w *tidetest.FakeWarehouse) {
	t.Helper()
	var rows, dead int64
	for _, r := range w.Receipts("events") {
		rows, dead = rows+r.Rows, dead+r.Dead
	}
	if int(rows) != len(w.Rows("raw.events")) || int(dead) != len(w.Letters()) {
		t.Errorf("the ledger counts %d rows and %d dead letters; there are %d and %d",
			rows, dead, len(w.Rows("raw.events")), len(w.Letters()))
	}
}

func TestFenced(t *testing.T) {
	w := tidetest.NewFakeWarehouse()
	log := &tidetest.FakeLog{Scope: "orders.ndjson"}
	log.Append(messages(0, 10)...)
	old := &gate{LogSource: log.Source(), opened: make(chan struct{}), open: make(chan struct{})}
	ended := make(chan error, 1)
	go func() {
		cfg := config(t, pipeline(), old, w)
		_, err := run(t, cfg)
		ended <- err
	}()
	<-old.opened // the first owner knows the marks, and stalls
	want(t, mustRun(t, config(t, pipeline(), log.Source(), w)), 10, 0, 0)
	close(old.open)
	err := <-ended
	if tidemill.CodeOf(err) != tidemill.Fenced || len(tidemill.Hints(err)) == 0 {
		t.Errorf("the stalled owner ended with %v, want fenced and a hint", err)
	}
	if n := len(w.Rows("raw.events")); n != 10 {
		t.Errorf("%d rows have landed, want 10", n)
	}
}

// gate is a source that waits before its first read.
type gate struct {
	*tidetest.LogSource
	once         sync.Once
	opened, open chan struct{}
}

func (g *gate) Read(ctx context.Context) (tidemill.Batch, error) {
	g.once.Do(func() { close(g.opened); <-g.open })
	return g.LogSource.Read(ctx)
}

// A source that skips would lose messages without a trace.
func TestGapInMarksStops(t *testing.T) {
	w := tidetest.NewFakeWarehouse()
	s := &fixed{batches: []tidemill.Batch{
		{Messages: messages(0, 1), Marks: []tidemill.Mark{{Scope: "a", To: tidemill.Position("1")}}},
		{Messages: messages(1, 2), Marks: []tidemill.Mark{{Scope: "a", From: tidemill.Position("2"), To: tidemill.Position("3")}}},
	}}
	if _, err := run(t, config(t, pipeline(), s, w)); err == nil {
		t.Error("a gap between two reads of a scope was accepted")
	}
}

// fixed is a source of given batches.
type fixed struct{ batches []tidemill.Batch }

func (f *fixed) Open(context.Context, []tidemill.Mark) error { return nil }
func (f *fixed) Drain(context.Context) error                 { return nil }
func (f *fixed) Ack(context.Context, any) error              { return nil }
func (f *fixed) Close() error                                { return nil }

func (f *fixed) Read(context.Context) (tidemill.Batch, error) {
	if len(f.batches) == 0 {
		return tidemill.Batch{}, io.EOF
	}
	b := f.batches[0]
	f.batches = f.batches[1:]
	return b, nil
}
