package tidetest_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/tidetest"
)

// wrapped is a source whose calls a test can change.
type wrapped struct {
	tidemill.Source
	read  func(context.Context) (tidemill.Batch, error)
	close func() error
}

func (w wrapped) Read(ctx context.Context) (tidemill.Batch, error) {
	if w.read != nil {
		return w.read(ctx)
	}
	return w.Source.Read(ctx)
}

func (w wrapped) Close() error {
	if w.close != nil {
		return w.close()
	}
	return w.Source.Close()
}

func (w wrapped) Drain(ctx context.Context) error { return w.Source.(tidemill.Drainer).Drain(ctx) }

// messagesOf makes what an origin is asked to put.
func messagesOf(ids []string) (all []tidemill.Message) {
	for _, id := range ids {
		all = append(all, tidemill.Message{Source: "q", ID: id, Value: []byte(id)})
	}
	return all
}

// fakeQueue is an origin of acknowledged sources, which change may break.
func fakeQueue(change func(*tidetest.QueueSource, *tidetest.FakeQueue) tidemill.Source) func(testing.TB) tidetest.Origin {
	return func(testing.TB) tidetest.Origin {
		q := &tidetest.FakeQueue{ReadSize: 20, Prefetch: 60}
		return tidetest.Origin{
			Source: func() tidemill.Source { return change(q.Source(), q) },
			Put: func(_ context.Context, ids ...string) error {
				q.Publish(messagesOf(ids)...)
				return nil
			},
			Ordered: true, Quiet: 30 * time.Millisecond,
			Break: func() error { q.Break(); return nil },
			Left:  func(context.Context) (int, error) { return q.Left(), nil },
		}
	}
}

// fakeLog is an origin of positioned sources, which change may break.
func fakeLog(change func(*tidetest.LogSource) tidemill.Source) func(testing.TB) tidetest.Origin {
	return func(testing.TB) tidetest.Origin {
		l := &tidetest.FakeLog{Scope: "log", ReadSize: 20}
		return tidetest.Origin{
			Source: func() tidemill.Source { return change(l.Source()) },
			Put: func(_ context.Context, ids ...string) error {
				l.Append(messagesOf(ids)...)
				return nil
			},
			Positioned: true, Ordered: true, Quiet: 30 * time.Millisecond,
		}
	}
}

func TestFakeSources(t *testing.T) {
	t.Run("queue", func(t *testing.T) {
		tidetest.Source(t, fakeQueue(func(s *tidetest.QueueSource, _ *tidetest.FakeQueue) tidemill.Source { return s }))
	})
	t.Run("log", func(t *testing.T) {
		tidetest.Source(t, fakeLog(func(s *tidetest.LogSource) tidemill.Source { return s }))
	})
	t.Run("records", func(t *testing.T) {
		mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
		tidetest.Source(t, fakeLog(func(s *tidetest.LogSource) tidemill.Source { return records(s, mem) }))
		mem.AssertSize(t, 0)
	})
}

// A suite is of use only if sources that break the contract fail it.
func TestBrokenSourcesFail(t *testing.T) {
	for _, c := range []struct {
		name, want string
		origin     func(testing.TB) tidetest.Origin
	}{
		{"acks at once", "have landed", fakeQueue(acksAtOnce)},
		{"never lets go", "are left at the far side", fakeQueue(neverLetsGo)},
		{"hides the redelivery", "not marked as redelivered", fakeQueue(hidesRedelivery)},
		{"skips a row", "have landed", fakeLog(skipsRow)},
		{"reads again after commit", "came again after its position", fakeLog(forgetsMarks)},
		{"reads twice", "came twice", fakeLog(readsTwice)},
		{"reads records twice", "came twice", fakeLog(func(s *tidetest.LogSource) tidemill.Source {
			return records(readsTwice(s), memory.DefaultAllocator)
		})},
		{"records without a mark", "has no mark", fakeLog(func(s *tidetest.LogSource) tidemill.Source {
			return records(withoutMarks(s), memory.DefaultAllocator)
		})},
		{"gap in the marks", "and the last one ended", fakeLog(gapInMarks)},
		{"out of order", "came after", fakeLog(outOfOrder)},
		{"loses what a cancelled read had", "have landed", fakeQueue(losesCancelled)},
		{"leaks a goroutine", "found unexpected goroutines", fakeLog(leaks)},
		{"is deaf to its context", "after its context was cancelled", fakeLog(deaf)},
		{"does not end", "io.EOF has not come", fakeLog(endless)},
	} {
		t.Run(c.name, func(t *testing.T) {
			found := tidetest.Violations(t, c.origin, c.want)
			if !strings.Contains(strings.Join(found, "\n"), c.want) {
				t.Errorf("the suite found %q, want %q among it", found, c.want)
			}
		})
	}
	close(stopLeaks)
	for _, o := range []func(testing.TB) tidetest.Origin{
		fakeQueue(func(s *tidetest.QueueSource, _ *tidetest.FakeQueue) tidemill.Source { return s }),
		fakeLog(func(s *tidetest.LogSource) tidemill.Source { return s }),
	} {
		if found := tidetest.Violations(t, o, ""); len(found) > 0 {
			t.Errorf("a source without fault: %q", found)
		}
	}
}

func acksAtOnce(s *tidetest.QueueSource, _ *tidetest.FakeQueue) tidemill.Source {
	return wrapped{Source: s, read: func(ctx context.Context) (tidemill.Batch, error) {
		b, err := s.Read(ctx)
		if err == nil {
			err = s.Ack(ctx, b.Token)
		}
		return b, err
	}}
}

// deafQueue drops every ack.
type deafQueue struct{ wrapped }

func (deafQueue) Ack(context.Context, any) error { return nil }

func neverLetsGo(s *tidetest.QueueSource, _ *tidetest.FakeQueue) tidemill.Source {
	return deafQueue{wrapped{Source: s}}
}

func hidesRedelivery(s *tidetest.QueueSource, _ *tidetest.FakeQueue) tidemill.Source {
	return wrapped{Source: s, read: func(ctx context.Context) (tidemill.Batch, error) {
		b, err := s.Read(ctx)
		for i := range b.Messages {
			b.Messages[i].Redelivered = false
		}
		return b, err
	}}
}

// losesCancelled has acknowledged what it can then not hand over any more.
func losesCancelled(s *tidetest.QueueSource, _ *tidetest.FakeQueue) tidemill.Source {
	return wrapped{Source: s, read: func(ctx context.Context) (tidemill.Batch, error) {
		b, err := s.Read(ctx)
		select {
		case <-ctx.Done():
			if err == nil {
				err = errors.Join(s.Ack(context.Background(), b.Token), ctx.Err())
			}
		case <-time.After(5 * time.Millisecond):
		}
		return b, err
	}}
}

func skipsRow(s *tidetest.LogSource) tidemill.Source {
	return wrapped{Source: s, read: func(ctx context.Context) (tidemill.Batch, error) {
		b, err := s.Read(ctx)
		for i, m := range b.Messages {
			if m.ID == "13" {
				b.Messages = append(b.Messages[:i:i], b.Messages[i+1:]...)
			}
		}
		return b, err
	}}
}

type forgetful struct{ wrapped }

func (f forgetful) Open(ctx context.Context, _ []tidemill.Mark) error { return f.Source.Open(ctx, nil) }

func forgetsMarks(s *tidetest.LogSource) tidemill.Source { return forgetful{wrapped{Source: s}} }

func readsTwice(s *tidetest.LogSource) tidemill.Source {
	return wrapped{Source: s, read: func(ctx context.Context) (tidemill.Batch, error) {
		b, err := s.Read(ctx)
		if len(b.Messages) > 0 {
			b.Messages = append(b.Messages, b.Messages[0])
		}
		return b, err
	}}
}

func gapInMarks(s *tidetest.LogSource) tidemill.Source {
	return wrapped{Source: s, read: func(ctx context.Context) (tidemill.Batch, error) {
		b, err := s.Read(ctx)
		for i := range b.Marks {
			b.Marks[i].From = append(tidemill.Position("0"), b.Marks[i].From...)
		}
		return b, err
	}}
}

func withoutMarks(s *tidetest.LogSource) tidemill.Source {
	return wrapped{Source: s, read: func(ctx context.Context) (tidemill.Batch, error) {
		b, err := s.Read(ctx)
		b.Marks = nil
		return b, err
	}}
}

// records gives the messages of s as rows of a change stream, each after a row
// that is not new.
func records(s tidemill.Source, mem memory.Allocator) tidemill.Source {
	schema := arrow.NewSchema([]arrow.Field{tidemill.ChangeFields()[0], {Name: "id", Type: arrow.BinaryTypes.String}}, nil)
	return wrapped{Source: s, read: func(ctx context.Context) (tidemill.Batch, error) {
		b, err := s.Read(ctx)
		if len(b.Messages) == 0 {
			return b, err
		}
		rows := array.NewRecordBuilder(mem, schema)
		defer rows.Release()
		op, id := rows.Field(0).(*array.StringBuilder), rows.Field(1).(*array.StringBuilder)
		for _, m := range b.Messages {
			op.AppendValues([]string{string(tidemill.OpUpdate), string(tidemill.OpInsert)}, nil)
			id.AppendValues([]string{m.ID, m.ID}, nil)
		}
		b.Messages = nil
		b.Parts = []tidemill.Part{{Stream: "t", Key: []string{"id"}, Records: rows.NewRecordBatch()}}
		return b, err
	}}
}

func outOfOrder(s *tidetest.LogSource) tidemill.Source {
	return wrapped{Source: s, read: func(ctx context.Context) (tidemill.Batch, error) {
		b, err := s.Read(ctx)
		if n := len(b.Messages); n > 1 {
			b.Messages[0], b.Messages[n-1] = b.Messages[n-1], b.Messages[0]
		}
		return b, err
	}}
}

func leaks(s *tidetest.LogSource) tidemill.Source {
	return wrapped{Source: s, close: func() error {
		go func() { <-stopLeaks }()
		return s.Close()
	}}
}

// stopLeaks ends what leaks has started.
var stopLeaks = make(chan struct{})

// lateBy is longer than the suite allows.
const lateBy = 2 * time.Second

func deaf(s *tidetest.LogSource) tidemill.Source {
	return wrapped{Source: s, read: func(context.Context) (tidemill.Batch, error) {
		ctx, cancel := context.WithTimeout(context.Background(), lateBy)
		defer cancel()
		return s.Read(ctx)
	}}
}

func endless(s *tidetest.LogSource) tidemill.Source {
	return wrapped{Source: s, read: func(ctx context.Context) (tidemill.Batch, error) {
		b, err := s.Read(ctx)
		if err == io.EOF { //nolint:errorlint // the fake returns it bare
			<-ctx.Done()
			err = ctx.Err()
		}
		return b, err
	}}
}
