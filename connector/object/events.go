package object

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/internal/canon"
)

const (
	// longPoll is how long a receive waits for messages; the queue's limit.
	longPoll = 20 * time.Second

	// lastPoll is how long it waits where the source is to end.
	lastPoll = time.Second
)

// queue is where event messages are.
type queue interface {
	// receive returns up to ten messages, none if there are none for a while.
	receive(ctx context.Context, wait time.Duration) ([]message, error)

	// remove deletes messages, hide keeps them hidden. Messages that are gone
	// or visible again are no error.
	remove(ctx context.Context, handles []string) error
	hide(ctx context.Context, handles []string) error

	// check returns an error where the queue is not there or not ours to read.
	check(ctx context.Context) error
}

type message struct {
	id, handle string
	body       []byte
}

// held is a message that is not deleted yet.
type held struct {
	message
	open  int    // objects of it that are not read to their end
	after uint64 // it goes when this token is acknowledged
}

// eventFinder finds objects by the messages of a queue.
type eventFinder struct {
	s       *Source
	q       queue
	bounded bool
	empty   int // receives in turn that gave nothing

	waiting []*held // messages that were not looked at yet
	from    *held   // the message that todo is of
	todo    []notice
	why     string // from is no event

	// mu guards what Read, Ack and the keeper share.
	mu    sync.Mutex
	held  map[*held]bool
	given uint64 // the last token
	acked uint64

	stop    context.CancelFunc
	stopped chan struct{}
}

func newEventFinder(s *Source, q queue) *eventFinder {
	return &eventFinder{s: s, q: q, held: map[*held]bool{}, stopped: make(chan struct{})}
}

// open looks whether the queue is there, and begins to keep messages hidden.
func (f *eventFinder) open(ctx context.Context) error {
	if err := f.q.check(ctx); err != nil {
		close(f.stopped)
		return err
	}
	ctx, f.stop = context.WithCancel(f.s.life)
	go f.keep(ctx)
	return nil
}

// keep extends the time that held messages stay hidden, until close.
func (f *eventFinder) keep(ctx context.Context) {
	defer close(f.stopped)
	tick := time.NewTicker(f.s.events.visibility() / 3)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		f.mu.Lock()
		var handles []string
		for h := range f.held {
			handles = append(handles, h.handle)
		}
		f.mu.Unlock()
		if err := f.q.hide(ctx, handles); err != nil && ctx.Err() == nil {
			f.s.log.Warn("keep messages hidden; they may come again", "messages", len(handles), "err", err)
		}
	}
}

func (f *eventFinder) next(ctx context.Context) (*task, error) {
	for {
		for len(f.todo) > 0 {
			n := f.todo[0]
			f.todo = f.todo[1:]
			t, err := f.task(ctx, n)
			if err != nil {
				return nil, err
			}
			if t != nil {
				return t, nil
			}
			f.done(&task{held: f.from})
		}
		if err := f.settle(ctx); err != nil {
			return nil, err
		}
		if err := f.receive(ctx); err != nil {
			return nil, err
		}
	}
}

// task returns the task for an object that a message told of, or nil where
// there is nothing to read.
func (f *eventFinder) task(ctx context.Context, n notice) (*task, error) {
	if n.key == "" {
		return f.refuse(f.why), nil
	}
	b, _ := f.s.bucket.(*s3Bucket)
	if b != nil && n.bucket != b.conn.Bucket {
		return f.refuse("the event is of bucket " + n.bucket), nil
	}
	key := n.key
	if b != nil {
		var ours bool
		if key, ours = strings.CutPrefix(n.key, b.conn.Prefix); !ours {
			return nil, nil
		}
	}
	if _, ok := f.s.pattern.match(key); !ok || strings.HasSuffix(key, "/") {
		return nil, nil
	}
	e, err := f.s.bucket.stat(ctx, key)
	if errors.Is(err, errGone) {
		f.s.log.Warn("an object was removed before it was read", "object", n.key)
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	t, err := f.s.task(e)
	if t != nil {
		t.held = f.from
	}
	return t, err
}

// refuse returns a task that makes the message a dead letter.
func (f *eventFinder) refuse(why string) *task {
	h := f.from
	name := f.s.streamName()
	return &task{held: h, refused: &tidemill.DeadLetter{
		Message:  tidemill.Message{Source: name, ID: h.id, Type: "s3:event", Value: h.body, Meta: map[string]string{"message_id": h.id, "queue": f.s.events.Queue}},
		Delivery: canon.Delivery(name, "s3:event", h.id, h.body),
		Code:     tidemill.Malformed, Reason: why,
	}}
}

// receive waits for messages. It is called when all objects of those before
// were read.
func (f *eventFinder) receive(ctx context.Context) error {
	if len(f.waiting) == 0 {
		wait := longPoll
		if f.bounded {
			wait = lastPoll
		}
		got, err := f.q.receive(ctx, wait)
		if err != nil {
			return err
		}
		if f.empty++; len(got) > 0 {
			f.empty = 0
		}
		if f.bounded && f.empty >= 2 {
			return io.EOF
		}
		f.hold(got)
		if len(f.waiting) == 0 {
			return nil
		}
	}
	f.from = f.waiting[0]
	f.waiting = f.waiting[1:]
	notices, err := parseEvent(f.from.body)
	if err != nil {
		notices, f.why = []notice{{}}, err.Error()
	}
	f.todo, f.from.open = notices, max(len(notices), 1)
	if len(notices) == 0 {
		f.done(&task{held: f.from})
	}
	return nil
}

// hold takes messages. One that comes again while it is held has only a new
// handle.
func (f *eventFinder) hold(got []message) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, m := range got {
		known := false
		for h := range f.held {
			if h.id == m.id {
				h.handle, known = m.handle, true
			}
		}
		if !known {
			h := &held{message: m, after: never}
			f.held[h] = true
			f.waiting = append(f.waiting, h)
		}
	}
}

const never = 1<<64 - 1

func (f *eventFinder) drain() { f.bounded = true }

func (f *eventFinder) token() any {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.given++
	return f.given
}

// done notes that an object of a message was read: when the last one was, the
// message may go with the last batch that was handed over. Of an object that
// another message brought, that batch may be under way too.
func (f *eventFinder) done(t *task) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if t.held.open--; t.held.open == 0 {
		t.held.after = f.given
	}
}

// ack deletes the messages whose objects are committed.
func (f *eventFinder) ack(ctx context.Context, token any) error {
	n, ok := token.(uint64)
	if !ok {
		return nil
	}
	f.mu.Lock()
	f.acked = max(f.acked, n)
	f.mu.Unlock()
	return f.settle(ctx)
}

// settle deletes the messages of which all is committed. A message that
// cannot be deleted comes again, and its objects are known.
func (f *eventFinder) settle(ctx context.Context) error {
	f.mu.Lock()
	var handles []string
	for h := range f.held {
		if h.after <= f.acked {
			handles = append(handles, h.handle)
			delete(f.held, h)
		}
	}
	f.mu.Unlock()
	if len(handles) == 0 {
		return nil
	}
	if err := f.q.remove(ctx, handles); err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		f.s.log.Warn("delete messages; they will come again", "messages", len(handles), "err", err)
	}
	return nil
}

func (f *eventFinder) close() {
	if f.stop != nil {
		f.stop()
	}
	<-f.stopped
}
