package tidetest

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/tidemill/tidemill"
)

// life is one source from Open to its end, read by a goroutine of its own, as
// a pipeline does. Its methods are for the goroutine of the test.
type life struct {
	*sourceSuite
	src    tidemill.Source
	reads  chan tidemill.Batch
	err    error // how reading ended; after reads is closed
	cancel context.CancelFunc

	at      map[string]tidemill.Position // where each scope was read to
	seen    map[string]bool
	newest  int    // the highest id that came for the first time
	shaken  bool   // its connection was broken: acks may have been in vain
	pending []held // read, not committed
	landed  []held // committed, not acknowledged
	acked   []string
}

// open begins a life at what has been committed.
func (s *sourceSuite) open() *life {
	s.Helper()
	l := s.openIdle()
	l.read()
	return l
}

// openIdle opens a source and does not read.
func (s *sourceSuite) openIdle() *life {
	s.Helper()
	l := &life{sourceSuite: s, src: s.Source(), reads: make(chan tidemill.Batch), at: map[string]tidemill.Position{}, seen: map[string]bool{}}
	for scope, to := range s.ledger.marks {
		l.at[scope] = to
	}
	ctx, cancel := context.WithTimeout(s.Context(), s.Patience)
	defer cancel()
	if err := l.src.Open(ctx, s.ledger.from()); err != nil {
		_ = l.src.Close() // the error of Open is the one to tell
		s.Fatalf("open: %v", err)
	}
	return l
}

// read starts the reader. What it has in hand when it is stopped is dropped.
func (l *life) read() {
	ctx, cancel := context.WithCancel(l.Context())
	l.cancel = cancel
	go func() {
		defer close(l.reads)
		for {
			b, err := l.src.Read(ctx)
			if err != nil {
				l.err = err
				return
			}
			select {
			case l.reads <- b:
			case <-ctx.Done():
				releaseParts(b)
				l.err = ctx.Err()
				return
			}
		}
	}()
}

func releaseParts(b tidemill.Batch) {
	for _, p := range b.Parts {
		p.Records.Release()
	}
}

// next takes one read, if there is one within a time. Ended says that the
// source has come to its end.
func (l *life) next(within time.Duration) (ok, ended bool) {
	l.Helper()
	timer := time.NewTimer(within)
	defer timer.Stop()
	select {
	case b, open := <-l.reads:
		if !open {
			if !errors.Is(l.err, io.EOF) {
				l.Fatalf("read: %v", l.err)
			}
			return false, true
		}
		l.take(b)
		return true, false
	case <-timer.C:
		return false, false
	}
}

// some reads until at least one id is pending.
func (l *life) some() {
	l.Helper()
	deadline := time.Now().Add(l.Patience)
	for before := l.count(l.pending); l.count(l.pending) == before; {
		if _, ended := l.next(time.Until(deadline)); ended || time.Now().After(deadline) {
			l.Fatalf("nothing came (ended: %t, within %s)", ended, l.Patience)
		}
	}
}

func (l *life) count(all []held) (n int) {
	for _, h := range all {
		n += len(h.ids)
	}
	return n
}

// commit lands the first n of the reads that are pending.
func (l *life) commit(n int) {
	l.Helper()
	for _, h := range l.pending[:n] {
		if err := l.ledger.commit(h); err != nil {
			l.Error(err)
		}
	}
	l.landed = append(l.landed, l.pending[:n]...)
	l.pending = l.pending[n:]
}

// ack acknowledges the first n of the reads that have landed.
func (l *life) ack(n int) {
	l.Helper()
	ctx, cancel := context.WithTimeout(l.Context(), l.Patience)
	defer cancel()
	for _, h := range l.landed[:n] {
		if h.token != nil {
			if err := l.src.Ack(ctx, h.token); err != nil {
				l.Fatalf("ack: %v", err)
			}
		}
		for _, id := range h.ids {
			if !l.shaken {
				l.ledger.acked[id] = true
				l.acked = append(l.acked, id)
			}
		}
	}
	l.landed = l.landed[n:]
}

// settle commits and acknowledges all.
func (l *life) settle() {
	l.Helper()
	l.commit(len(l.pending))
	l.ack(len(l.landed))
}

// stop ends the reader, which must not take long.
func (l *life) stop() {
	l.Helper()
	if l.cancel == nil {
		return
	}
	l.cancel()
	within := min(5*time.Second, l.Patience)
	deadline := time.After(within)
	for {
		select {
		case b, open := <-l.reads:
			if open {
				releaseParts(b)
				continue
			}
			if !errors.Is(l.err, context.Canceled) && !errors.Is(l.err, io.EOF) {
				l.Errorf("a cancelled read ended with %v", l.err)
			}
			l.cancel = nil
			return
		case <-deadline:
			l.Fatalf("read goes on %s after its context was cancelled", within)
		}
	}
}

// close ends the life in good order: what was read has been dealt with.
func (l *life) close() {
	l.Helper()
	l.stop()
	if err := l.src.Close(); err != nil {
		l.Errorf("close: %v", err)
	}
}

// kill ends the life in the midst of its work.
func (l *life) kill() {
	l.Helper()
	l.stop()
	l.Kill(l.src)
}
