package tidetest

import (
	"context"
	"errors"
	"io"
	"time"

	"go.uber.org/goleak"

	"github.com/tidemill/tidemill"
)

// finish lands all that was put and has not landed, in as many lives as the
// source needs, and then listens for what must not come.
func (s *sourceSuite) finish() {
	s.Helper()
	deadline := time.Now().Add(s.Patience)
	for len(s.ledger.rows) < s.put {
		before := len(s.ledger.rows)
		l := s.open()
		for len(s.ledger.rows) < s.put {
			_, ended := l.next(time.Until(deadline))
			l.settle()
			if ended || time.Now().After(deadline) {
				break
			}
		}
		l.close()
		if len(s.ledger.rows) == before || s.Failed() {
			s.Fatalf("%d of %d have landed; among what is missing: %s", len(s.ledger.rows), s.put, s.missing())
		}
	}
	l := s.open()
	for time.Now().Before(deadline) {
		ok, ended := l.next(s.Quiet)
		l.settle()
		if ended || !ok && s.left() == 0 {
			break
		}
	}
	l.close()
	if n := s.left(); n != 0 {
		s.Errorf("%d messages are left at the far side, all were acknowledged", n)
	}
}

// missing is the first id that has not landed.
func (s *sourceSuite) missing() string {
	for n := range s.put {
		if id := itoa(n + 1); !s.ledger.rows[id] {
			return id
		}
	}
	return "none"
}

// left is how many messages the far side still holds, as far as it tells.
func (s *sourceSuite) left() int {
	s.Helper()
	if s.Left == nil {
		return 0
	}
	n, err := s.Left(s.Context())
	if err != nil {
		s.Fatalf("left: %v", err)
	}
	return n
}

// eachOnce: without any fault, and with what comes while it reads.
func (s *sourceSuite) eachOnce() {
	s.add(s.Many)
	l := s.open()
	l.some()
	if !s.Ends && !s.Fixed {
		s.add(s.Many)
		deadline := time.Now().Add(s.Patience)
		for l.settle(); len(s.ledger.rows) < s.put && time.Now().Before(deadline); l.settle() {
			l.next(time.Until(deadline))
		}
		if len(s.ledger.rows) < s.put {
			s.Errorf("%d of %d have landed", len(s.ledger.rows), s.put)
		}
	}
	l.settle()
	l.close()
	s.finish()
}

// killedBeforeCommit: what was read comes again.
func (s *sourceSuite) killedBeforeCommit() {
	s.add(s.Many)
	for range 3 {
		l := s.open()
		l.some()
		l.kill()
	}
	s.finish()
}

// killedBeforeAck: what has landed is known by the marks, or by the flag.
func (s *sourceSuite) killedBeforeAck() {
	s.add(s.Many)
	for range 2 {
		if len(s.ledger.rows) == s.put {
			break // in one read
		}
		l := s.open()
		l.some()
		l.commit(1)
		l.kill()
	}
	s.finish()
}

// ackedLate: reads go on before the acks come, which then come in order.
func (s *sourceSuite) ackedLate() {
	s.add(s.Many)
	l := s.open()
	for range 3 {
		if _, ended := l.next(s.Quiet); ended {
			break
		}
	}
	if l.count(l.pending) == 0 {
		l.some()
	}
	l.commit(len(l.pending))
	for len(l.landed) > 0 {
		l.ack(1)
	}
	l.close()
	s.finish()
}

// neverAcked: a positioned source goes by its marks alone.
func (s *sourceSuite) neverAcked() {
	s.add(s.Many)
	l := s.open()
	deadline := time.Now().Add(s.Patience)
	for len(s.ledger.rows) < s.put {
		_, ended := l.next(time.Until(deadline))
		l.commit(len(l.pending))
		if ended || time.Now().After(deadline) {
			break
		}
	}
	if len(s.ledger.rows) < s.put {
		s.Errorf("%d of %d have landed", len(s.ledger.rows), s.put)
	}
	l.kill()
	s.finish()
}

// cancelledIdle: Read waits while there is nothing, and not for long after
// its context is done.
func (s *sourceSuite) cancelledIdle() {
	if s.Fixed {
		s.add(1)
	}
	l := s.open()
	for {
		ok, ended := l.next(s.Quiet)
		if ended {
			if !s.Fixed {
				s.Error("read ended where it should wait")
			}
			break
		}
		if !ok {
			break
		}
	}
	began := time.Now()
	l.stop()
	if took := time.Since(began); took > 2*time.Second {
		s.Errorf("read returned %s after its context was cancelled", took)
	}
	l.close()
	s.finish()
}

// cancelledInMidRead: what a read had taken is not lost with it, and what was
// committed can still be acknowledged.
func (s *sourceSuite) cancelledInMidRead() {
	s.add(s.Many)
	for i := range 5 {
		if len(s.ledger.rows) == s.put {
			break
		}
		l := s.open()
		if i > 0 {
			time.Sleep(time.Duration(i*i) * time.Millisecond)
		}
		if i%2 == 1 {
			l.some()
		}
		l.stop()
		l.settle()
		l.close()
	}
	s.finish()
}

// cancelledBeforeRead: a context that is done already gives no wrong error,
// and loses nothing.
func (s *sourceSuite) cancelledBeforeRead() {
	s.add(s.Many)
	l := s.openIdle()
	ctx, cancel := context.WithCancel(s.Context())
	cancel()
	b, err := l.src.Read(ctx)
	switch {
	case err == nil:
		l.take(b)
	case !errors.Is(err, context.Canceled) && !errors.Is(err, io.EOF):
		s.Errorf("read: %v", err)
	}
	l.close()
	s.finish()
}

// drain: all that is there at the call is read, then io.EOF comes, and comes
// again.
func (s *sourceSuite) drain() {
	s.add(s.Many)
	l := s.openIdle()
	if err := l.src.(tidemill.Drainer).Drain(s.Context()); err != nil {
		s.Fatalf("drain: %v", err)
	}
	held := s.put
	if !s.Fixed {
		s.add(s.Many / 10)
	}
	l.read()
	l.toEnd()
	for n := range held {
		if !s.ledger.rows[itoa(n+1)] {
			s.Errorf("io.EOF came before %d, which was there at the call of Drain", n+1)
			break
		}
	}
	if _, err := l.src.Read(s.Context()); !errors.Is(err, io.EOF) {
		s.Errorf("a read after io.EOF returned %v", err)
	}
	l.close()
	s.finish()
}

func (s *sourceSuite) drainOfNothing() {
	l := s.openIdle()
	if err := l.src.(tidemill.Drainer).Drain(s.Context()); err != nil {
		s.Fatalf("drain: %v", err)
	}
	l.read()
	l.toEnd()
	l.close()
}

// toEnd lands all up to io.EOF.
func (l *life) toEnd() {
	l.Helper()
	deadline := time.Now().Add(l.Patience)
	for {
		_, ended := l.next(time.Until(deadline))
		l.settle()
		switch {
		case ended:
			return
		case time.Now().After(deadline):
			l.Fatalf("io.EOF has not come within %s", l.Patience)
		}
	}
}

// brokenConnection: the source comes back, and acks of before do not count
// for what it delivers then.
func (s *sourceSuite) brokenConnection() {
	s.add(s.Many)
	l := s.open()
	for range 3 {
		if len(l.seen) == s.put {
			if s.Fixed {
				break
			}
			s.add(s.Many)
		}
		l.some()
		l.shake()
		l.commit(len(l.pending) / 2)
		l.ack(len(l.landed))
	}
	l.kill()
	s.finish()
}

// shake breaks the connection.
func (l *life) shake() {
	l.Helper()
	l.shaken = true
	for _, id := range l.acked { // these may have been under way
		delete(l.ledger.acked, id)
	}
	if err := l.Break(); err != nil {
		l.Fatalf("break: %v", err)
	}
}

// closeTwice: without Open, after it, and again.
func (s *sourceSuite) closeTwice() {
	if err := s.Source().Close(); err != nil {
		s.Errorf("close of a source that was not opened: %v", err)
	}
	s.add(1)
	l := s.openIdle()
	for range 2 {
		if err := l.src.Close(); err != nil {
			s.Errorf("close: %v", err)
		}
	}
	s.finish()
}

// goroutines: none is left behind by Close.
func (s *sourceSuite) goroutines() {
	s.add(s.Many)
	options := append([]goleak.Option{goleak.IgnoreCurrent()}, s.Leaks...)
	for range 3 {
		if len(s.ledger.rows) == s.put {
			break
		}
		l := s.open()
		l.some()
		l.commit(1)
		l.ack(1)
		l.close()
	}
	if err := goleak.Find(options...); err != nil {
		s.Errorf("after close: %v", err)
	}
}
