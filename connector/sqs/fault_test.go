package sqs

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tidemill/tidemill"
)

// log collects what a source tells.
type log struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *log) count(text string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.buf.String(), text)
}

// logged opens a source and returns what it tells.
func logged(t *testing.T, endpoint string, opts Options) (*Source, *log) {
	t.Helper()
	l := &log{}
	s := NewSource(connection(endpoint), opts, tidemill.Env{Log: slog.New(slog.NewTextHandler(l, nil))})
	t.Cleanup(func() { closeSource(t, s) })
	if err := s.Open(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	return s, l
}

// Connections break at random, before a call reaches the service and after it
// did its work.
func TestBrokenConnections(t *testing.T) {
	for _, queue := range []string{standard(t), fifo(t)} {
		send(t, queue, 0, 1000, 100)
		p := newProxy(t)
		s, l := logged(t, p.URL, Options{Queues: []string{queue}, Visibility: 2 * time.Second})
		begun := time.Now()
		var mu sync.Mutex
		rnd := rand.New(rand.NewPCG(5, 6))
		broken := func(string) bool {
			mu.Lock()
			defer mu.Unlock()
			return rnd.IntN(5) == 0
		}
		p.onCall(func(action string, _ http.ResponseWriter, _ []byte) bool {
			if broken(action) {
				hangUp()
			}
			return false
		})
		p.onAnswer(func(action string, answer []byte) []byte {
			if broken(action) {
				hangUp()
			}
			return answer
		})
		n := seen{}
		n.upTo(t, s, 1000, true)
		for deadline := time.Now().Add(30 * time.Second); depth(t, queue) > 0; { // an answer that was lost brings messages again
			if time.Now().After(deadline) {
				t.Fatalf("%d messages are left", depth(t, queue))
			}
			ack(t, s, read(t, s).Token)
		}
		if told := l.count("receiving fails"); told == 0 || told > 1+int(time.Since(begun)/tellEvery) {
			t.Errorf("told %d times of failures within %s", told, time.Since(begun))
		}
	}
}

// An outage is waited for, told once, and its end too.
func TestOutage(t *testing.T) {
	queue := standard(t)
	send(t, queue, 0, 100, 0)
	p := newProxy(t)
	s, l := logged(t, p.URL, Options{Queues: []string{queue}, Visibility: 2 * time.Second})
	s.patience = 100 * time.Millisecond // which outages do not wear out
	var down atomic.Bool
	down.Store(true)
	p.onCall(func(_ string, w http.ResponseWriter, _ []byte) bool {
		if down.Load() {
			refuse(w, http.StatusServiceUnavailable, "ServiceUnavailable")
		}
		return down.Load()
	})
	silent(t, s, 2*time.Second)
	down.Store(false)
	seen{}.upTo(t, s, 100, true)
	if told, again := l.count("receiving fails"), l.count("receiving again"); told != 1 || again != 1 {
		t.Errorf("told %d times of the outage, %d of its end", told, again)
	}
}

// Refusals end the source, after a while, with what to do.
func TestRefused(t *testing.T) {
	for _, c := range []struct {
		name, action, code string
		status             int
		want               tidemill.Code
		hint               string
	}{
		{"receive", "ReceiveMessage", "AccessDenied", 403, tidemill.Denied, "sqs:ReceiveMessage"},
		{"credentials", "ReceiveMessage", "InvalidClientTokenId", 403, tidemill.Denied, "access_key"},
		{"deleted queue", "ReceiveMessage", "QueueDoesNotExist", 400, tidemill.NotFound, "correct queues"},
		{"delete", "DeleteMessageBatch", "AccessDenied", 403, tidemill.Denied, "sqs:DeleteMessage"},
		{"extend", "ChangeMessageVisibilityBatch", "AccessDenied", 403, tidemill.Denied, "sqs:ChangeMessageVisibility"},
	} {
		t.Run(c.name, func(t *testing.T) {
			queue := standard(t)
			send(t, queue, 0, 20, 0)
			p := newProxy(t)
			s, _ := logged(t, p.URL, Options{Queues: []string{queue}, Visibility: time.Second})
			s.patience = 500 * time.Millisecond
			p.onCall(func(action string, w http.ResponseWriter, _ []byte) bool {
				if action != c.action {
					return false
				}
				refuse(w, c.status, c.code)
				return true
			})
			var err error
			for start := time.Now(); err == nil && time.Since(start) < 20*time.Second; {
				var b tidemill.Batch
				if b, err = s.Read(t.Context()); err == nil && c.action == "DeleteMessageBatch" {
					ack(t, s, b.Token)
				}
			}
			if tidemill.CodeOf(err) != c.want || !strings.Contains(strings.Join(tidemill.Hints(err), " "), c.hint) {
				t.Errorf("got %v, hints %q", err, tidemill.Hints(err))
			}
		})
	}
}

func TestOpenRefused(t *testing.T) {
	queue := standard(t)
	p := newProxy(t)
	for _, action := range []string{"GetQueueUrl", "GetQueueAttributes"} {
		p.onCall(func(got string, w http.ResponseWriter, _ []byte) bool {
			if got == action {
				refuse(w, 403, "AccessDenied")
			}
			return got == action
		})
		s := NewSource(connection(p.URL), Options{Queues: []string{queue}}, env)
		err := s.Open(t.Context(), nil)
		closeSource(t, s)
		if tidemill.CodeOf(err) != tidemill.Denied || !strings.Contains(strings.Join(tidemill.Hints(err), ""), "sqs:"+action) {
			t.Errorf("%s: %v, hints %q", action, err, tidemill.Hints(err))
		}
	}
}

// failEntries makes the service report that it did not do the first entries of
// a batch, of which it did none.
func failEntries(w http.ResponseWriter, body []byte, entries int, code string, fault bool) {
	var in struct{ Entries []struct{ Id string } }
	var out struct {
		Successful []map[string]any `json:"Successful"`
		Failed     []map[string]any `json:"Failed"`
	}
	if err := json.Unmarshal(body, &in); err != nil {
		panic(err)
	}
	for i, e := range in.Entries {
		if i < entries {
			out.Failed = append(out.Failed, map[string]any{"Id": e.Id, "Code": code, "SenderFault": fault, "Message": "by the test"})
		} else {
			out.Successful = append(out.Successful, map[string]any{"Id": e.Id})
		}
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.0")
	_ = json.NewEncoder(w).Encode(out)
}

// Of a delete that fails in part, only that part is tried again.
func TestPartialDelete(t *testing.T) {
	queue := standard(t)
	send(t, queue, 0, 10, 0)
	p := newProxy(t)
	s, l := logged(t, p.URL, Options{Queues: []string{queue}, Visibility: 2 * time.Second})
	var tokens []any
	n := seen{}
	for len(n) < 10 {
		b := read(t, s)
		n.add(b)
		tokens = append(tokens, b.Token)
	}
	calls := 0
	p.onCall(func(action string, w http.ResponseWriter, body []byte) bool {
		if action != "DeleteMessageBatch" {
			return false
		}
		if calls++; calls > 1 {
			if got := strings.Count(string(body), "ReceiptHandle"); calls == 2 && len(tokens) == 1 && got != 4 {
				t.Errorf("the second call deletes %d messages, want the 4 that failed", got)
			}
			return false
		}
		failEntries(w, body, 4, "InternalError", false)
		return true
	})
	for _, tok := range tokens {
		ack(t, s, tok)
	}
	if calls < 2 || l.count("could not be deleted") != 0 {
		t.Errorf("%d calls, log: %s", calls, l.buf.String())
	}
	// The six that the faked answer called deleted are there, and only they.
	p.onCall(func(string, http.ResponseWriter, []byte) bool { return false })
	if len(tokens) == 1 {
		if left := depth(t, queue); left != 6 {
			t.Errorf("%d messages are left, want 6", left)
		}
	}
}

// Handles that have expired are dropped without error, and without another try.
func TestExpiredHandles(t *testing.T) {
	queue := standard(t)
	send(t, queue, 0, 10, 0)
	p := newProxy(t)
	s, l := logged(t, p.URL, Options{Queues: []string{queue}})
	var calls atomic.Int32
	p.onCall(func(action string, w http.ResponseWriter, body []byte) bool {
		if action != "DeleteMessageBatch" {
			return false
		}
		calls.Add(1)
		failEntries(w, body, 10, "ReceiptHandleIsInvalid", true)
		return true
	})
	tokens := seen{}.upTo(t, s, 10, false)
	for _, tok := range tokens {
		ack(t, s, tok)
	}
	if int(calls.Load()) != len(tokens) || l.count("WARN") != 0 {
		t.Errorf("%d calls for %d tokens, log: %s", calls.Load(), len(tokens), l.buf.String())
	}
	s.hand.mu.Lock()
	defer s.hand.mu.Unlock()
	if len(s.hand.held) != 0 || s.hand.size != 0 {
		t.Errorf("%d messages of %d bytes are still held", len(s.hand.held), s.hand.size)
	}
}

// Where visibility cannot be extended, messages come again while they are
// held: not twice to the pipeline, and the newest handle deletes them.
func TestVisibilityLost(t *testing.T) {
	queue := standard(t)
	send(t, queue, 0, 10, 0)
	p := newProxy(t)
	s, _ := logged(t, p.URL, Options{Queues: []string{queue}, Visibility: time.Second})
	var received atomic.Int32
	p.onCall(func(action string, w http.ResponseWriter, body []byte) bool {
		if action == "ChangeMessageVisibilityBatch" {
			failEntries(w, body, 10, "MessageNotInflight", true)
			return true
		}
		return false
	})
	p.onAnswer(func(action string, answer []byte) []byte {
		if action == "ReceiveMessage" {
			received.Add(int32(bytes.Count(answer, []byte(`"ReceiptHandle"`))))
		}
		return answer
	})
	tokens := seen{}.upTo(t, s, 10, false)
	silent(t, s, 3*time.Second)
	if received.Load() < 20 {
		t.Errorf("%d messages were received: none has come again", received.Load())
	}
	for _, tok := range tokens {
		ack(t, s, tok)
	}
	if left := depth(t, queue); left != 0 {
		t.Errorf("%d messages are left", left)
	}
}

// A delete that never succeeds is told once; the source goes on.
func TestDeleteFailsForGood(t *testing.T) {
	queue := standard(t)
	send(t, queue, 0, 30, 0)
	p := newProxy(t)
	s, l := logged(t, p.URL, Options{Queues: []string{queue}, Visibility: time.Second})
	var broken atomic.Bool
	p.onCall(func(action string, w http.ResponseWriter, body []byte) bool {
		if action == "DeleteMessageBatch" && broken.Load() {
			failEntries(w, body, 10, "InvalidSomething", false)
			return true
		}
		return false
	})
	s.deletion = 300 * time.Millisecond
	broken.Store(true)
	n := seen{}
	b := read(t, s)
	n.add(b)
	ack(t, s, b.Token)
	if l.count("could not be deleted") != 1 {
		t.Errorf("log: %s", l.buf.String())
	}
	broken.Store(false)
	again := 0
	for deadline := time.Now().Add(30 * time.Second); again < len(b.Messages) || len(n) < 30; {
		if time.Now().After(deadline) {
			t.Fatalf("%d of %d came again, %d were seen", again, len(b.Messages), len(n))
		}
		b := read(t, s)
		n.add(b)
		for _, m := range b.Messages {
			if m.Redelivered {
				again++
			}
		}
		ack(t, s, b.Token)
	}
	if left := depth(t, queue); left != 0 {
		t.Errorf("%d messages are left: %s", left, fmt.Sprint(n))
	}
}

// A count that is wrong, either way, neither keeps a drain from its end nor
// ends it early.
func TestDrainWithWrongCount(t *testing.T) {
	for _, count := range []string{"0", "100000"} {
		queue := standard(t)
		send(t, queue, 0, 200, 0)
		p := newProxy(t)
		s, _ := logged(t, p.URL, Options{Queues: []string{queue}})
		p.onCall(func(action string, w http.ResponseWriter, _ []byte) bool {
			if action == "GetQueueAttributes" {
				w.Header().Set("Content-Type", "application/x-amz-json-1.0")
				fmt.Fprintf(w, `{"Attributes":{"ApproximateNumberOfMessages":"%s"}}`, count)
				return true
			}
			return false
		})
		if err := s.Drain(t.Context()); err != nil {
			t.Fatal(err)
		}
		n := seen{}
		for {
			b, err := s.Read(t.Context())
			if err != nil {
				break
			}
			n.add(b)
			ack(t, s, b.Token)
		}
		if len(n) != 200 {
			t.Errorf("count %s: %d messages were read", count, len(n))
		}
	}
}

// A drain waits for messages whose answer was lost until they come again.
func TestDrainWithLostAnswer(t *testing.T) {
	queue := standard(t)
	send(t, queue, 0, 50, 0)
	p := newProxy(t)
	s, _ := logged(t, p.URL, Options{Queues: []string{queue}, Visibility: 8 * time.Second})
	if err := s.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	var lost atomic.Bool
	p.onAnswer(func(action string, answer []byte) []byte {
		if action == "ReceiveMessage" && lost.CompareAndSwap(false, true) {
			hangUp()
		}
		return answer
	})
	n := seen{}
	for {
		b, err := s.Read(t.Context())
		if err != nil {
			break
		}
		n.add(b)
		ack(t, s, b.Token)
	}
	if len(n) != 50 || !lost.Load() {
		t.Errorf("%d messages were read", len(n))
	}
}
