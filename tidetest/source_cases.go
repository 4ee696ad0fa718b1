package tidetest

import "time"

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
