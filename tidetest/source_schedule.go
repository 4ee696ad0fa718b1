package tidetest

import (
	"strconv"

	"pgregory.net/rapid"
)

func itoa(n int) string { return strconv.Itoa(n) }

// step is one move of a schedule: of the producer, of the pipeline, or a
// fault.
type step int

const (
	stepPut       step = iota
	stepRead           // up to n reads
	stepCommit         // the first n of what was read
	stepCommitAll      // and acknowledge nothing
	stepAck            // the first n of what has landed
	stepSettle         // commit and acknowledge all
	stepKill           // wherever the pipeline is
	stepRestart        // stop reading, land what is in hand, close
	stepBreak          // the connection
)

type move struct {
	step step
	n    int
}

var moves = rapid.SliceOfN(rapid.Custom(func(t *rapid.T) move {
	return move{
		step: rapid.SampledFrom([]step{
			stepPut, stepRead, stepRead, stepRead, stepCommit, stepCommit, stepCommitAll,
			stepAck, stepAck, stepSettle, stepKill, stepKill, stepRestart, stepBreak,
		}).Draw(t, "step"),
		n: rapid.IntRange(1, 4).Draw(t, "n"),
	}
}), 10, 30)

// schedule runs a random order of moves, which seed alone decides, and then
// lands what is left. A life ends where its source does.
func (s *sourceSuite) schedule(seed int) {
	all := moves.Example(seed)
	s.add(s.Many / 2)
	var l *life
	for _, m := range all {
		if l == nil {
			l = s.open()
		}
		if s.Failed() {
			l.kill()
			s.Fatalf("in schedule %v", all)
		}
		l = l.move(m)
	}
	if l != nil {
		l.kill()
	}
	s.finish()
}

// move makes one move, and returns the life that goes on, if it does.
func (l *life) move(m move) *life {
	l.Helper()
	switch m.step {
	case stepPut:
		if !l.Fixed {
			l.add(m.n * max(l.Many/20, 1))
		}
	case stepRead:
		for range m.n {
			ok, ended := l.next(l.Quiet / 4)
			if ended {
				l.kill()
				return nil
			}
			if !ok {
				break
			}
		}
	case stepCommit:
		l.commit(min(m.n, len(l.pending)))
	case stepCommitAll:
		l.commit(len(l.pending))
	case stepAck:
		l.ack(min(m.n, len(l.landed)))
	case stepSettle:
		l.settle()
	case stepKill:
		l.kill()
		return nil
	case stepRestart:
		l.stop()
		l.settle()
		l.close()
		return nil
	case stepBreak:
		if l.Break != nil {
			l.shake()
		}
	}
	return l
}
