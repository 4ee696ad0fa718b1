package tidetest

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"sync"

	"github.com/tidemill/tidemill"
)

// FakeLog is the far side of a positioned source: messages that are read by
// offset, again and again.
type FakeLog struct {
	Scope    string
	ReadSize int // the most messages of one Read; 0 is 100

	// OnAck, if set, hears of each offset up to which was acknowledged.
	OnAck func(to int)

	mu       sync.Mutex
	messages []tidemill.Message
	changed  chan struct{}
}

// Append adds messages at the end.
func (l *FakeLog) Append(messages ...tidemill.Message) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.messages = append(l.messages, messages...)
	if l.changed != nil {
		close(l.changed)
		l.changed = nil
	}
}

// LogSource reads a FakeLog from the position of its mark.
type LogSource struct {
	log  *FakeLog
	at   int
	last int // -1 is no end
}

var (
	_ tidemill.Source  = (*LogSource)(nil)
	_ tidemill.Drainer = (*LogSource)(nil)
)

// Source returns a reader of l.
func (l *FakeLog) Source() *LogSource { return &LogSource{log: l, last: -1} }

// Open begins after the mark of the log's scope.
func (s *LogSource) Open(_ context.Context, from []tidemill.Mark) (err error) {
	for _, m := range from {
		if m.Scope == s.log.Scope {
			s.at, err = strconv.Atoi(string(m.To))
		}
	}
	return err
}

// Drain ends the source at what the log holds now.
func (s *LogSource) Drain(context.Context) error {
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	s.last = len(s.log.messages)
	return nil
}

// Read returns the next messages with their mark, whose first From is empty.
func (s *LogSource) Read(ctx context.Context) (tidemill.Batch, error) {
	for {
		s.log.mu.Lock()
		b, ended := s.take()
		if s.log.changed == nil {
			s.log.changed = make(chan struct{})
		}
		changed := s.log.changed
		s.log.mu.Unlock()
		switch {
		case len(b.Messages) > 0:
			return b, nil
		case ended:
			return tidemill.Batch{}, io.EOF
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return tidemill.Batch{}, ctx.Err()
		}
	}
}

func (s *LogSource) take() (b tidemill.Batch, ended bool) {
	size := s.log.ReadSize
	if size <= 0 {
		size = 100
	}
	end := len(s.log.messages)
	if s.last >= 0 {
		end = min(end, s.last)
	}
	to := min(s.at+size, end)
	if to <= s.at {
		return b, s.last >= 0
	}
	b.Messages = append(b.Messages, s.log.messages[s.at:to]...)
	b.Marks = []tidemill.Mark{{Scope: s.log.Scope, From: position(s.at), To: position(to)}}
	b.Token = to
	s.at = to
	return b, false
}

func position(at int) tidemill.Position {
	if at == 0 {
		return nil
	}
	return tidemill.Position(strconv.Itoa(at))
}

// Ack tells OnAck.
func (s *LogSource) Ack(ctx context.Context, token any) error {
	if _, ok := token.(int); !ok {
		return fmt.Errorf("ack: %v is no token of this source", token)
	}
	if s.log.OnAck != nil {
		s.log.OnAck(token.(int))
	}
	return ctx.Err()
}

// Close does nothing.
func (s *LogSource) Close() error { return nil }
