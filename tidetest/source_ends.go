package tidetest

import (
	"context"
	"errors"
	"io"
	"time"

	"go.uber.org/goleak"

	"github.com/tidemill/tidemill"
)

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
