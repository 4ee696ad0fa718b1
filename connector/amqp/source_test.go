package amqp

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"slices"
	"testing"
	"time"

	amqp091 "github.com/rabbitmq/amqp091-go"
	"go.uber.org/goleak"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/tidetest/rabbitmq"
)

// shared is the broker of the tests that do not stop it.
var shared *rabbitmq.Broker

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	var err error
	shared, err = rabbitmq.Run(rabbitmq.Options{TLS: true, ClientCert: true, Management: true})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	code := m.Run()
	if err := shared.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	if err := goleak.Find(); code == 0 && err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	return code
}

var env = tidemill.Env{Log: slog.New(slog.DiscardHandler)}

// kinds of queues that all behaviour must hold for.
var kinds = []string{"classic", "quorum"}

// seen counts deliveries by queue and id.
type seen map[string]int

func (n seen) add(b tidemill.Batch) {
	for _, m := range b.Messages {
		n[m.Source+"/"+m.ID]++
	}
}

// upTo reads and acknowledges until n different messages were seen.
func (n seen) upTo(t testing.TB, s *Source, want int) {
	t.Helper()
	for len(n) < want {
		b := read(t, s)
		n.add(b)
		ack(t, s, b.Token)
	}
}

func empty(t testing.TB, b *rabbitmq.Broker, queue string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := b.WaitDepth(ctx, queue, 0); err != nil {
		t.Fatal(err)
	}
}

func TestSeveralQueues(t *testing.T) {
	for _, kind := range kinds {
		t.Run(kind, func(t *testing.T) {
			a, b := queue(t, shared, kind), queue(t, shared, kind)
			publish(t, shared, a, 0, 3000, 100)
			publish(t, shared, b, 0, 3000, 100)
			s := open(t, shared, Options{Queues: []string{a, b}, Consumers: 2})
			n, early := seen{}, map[string]bool{}
			for len(n) < 6000 {
				batch := read(t, s)
				n.add(batch)
				if len(n) < 3000 {
					for _, m := range batch.Messages {
						early[m.Source] = true
					}
				}
				ack(t, s, batch.Token)
			}
			for id, times := range n {
				if times != 1 {
					t.Errorf("%s came %d times", id, times)
				}
			}
			if len(early) != 2 {
				t.Error("one queue was read to its end before the other")
			}
			closeSource(t, s)
			empty(t, shared, a)
			empty(t, shared, b)
		})
	}
}

func TestOnlyWhatWasAckedIsGone(t *testing.T) {
	for _, kind := range kinds {
		t.Run(kind, func(t *testing.T) {
			q := queue(t, shared, kind)
			publish(t, shared, q, 0, 1000, 10)
			s := open(t, shared, Options{Queues: []string{q}, Prefetch: 100})
			first := read(t, s)
			ack(t, s, first.Token)
			more := read(t, s) // not acknowledged
			if len(first.Messages) == 0 || len(more.Messages) == 0 {
				t.Fatal("nothing was read")
			}
			closeSource(t, s)
			acked := map[string]bool{}
			for _, m := range first.Messages {
				acked[m.ID] = true
				if m.Redelivered {
					t.Errorf("%s is new", m.ID)
				}
			}
			pending := map[string]bool{}
			for _, m := range more.Messages {
				pending[m.ID] = true
			}
			s = open(t, shared, Options{Queues: []string{q}})
			back := seen{}
			for len(back) < 1000-len(first.Messages) {
				b := read(t, s)
				back.add(b)
				ack(t, s, b.Token)
				for _, m := range b.Messages {
					if acked[m.ID] {
						t.Errorf("%s was acknowledged and came again", m.ID)
					}
					if pending[m.ID] && !m.Redelivered {
						t.Errorf("%s came again without its flag", m.ID)
					}
				}
			}
		})
	}
}

// The connection is lost between Read and Ack: the old token must not
// acknowledge messages of the new connection, whose tags begin at 1 again.
func TestTokenOfLostConnection(t *testing.T) {
	for _, kind := range kinds {
		t.Run(kind, func(t *testing.T) {
			q := queue(t, shared, kind)
			publish(t, shared, q, 0, 50, 10)
			s := open(t, shared, Options{Queues: []string{q}})
			n := seen{}
			var old []any
			for len(n) < 50 {
				b := read(t, s)
				n.add(b)
				old = append(old, b.Token)
			}
			if err := shared.CloseConnections(); err != nil {
				t.Fatal(err)
			}
			again := read(t, s) // connects again
			for _, tok := range old {
				ack(t, s, tok)
			}
			if !again.Messages[0].Redelivered {
				t.Error("the message came again without its flag")
			}
			closeSource(t, s)
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			if err := shared.WaitDepth(ctx, q, 50); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestCompetingSources(t *testing.T) {
	q := queue(t, shared, "quorum")
	publish(t, shared, q, 0, 2000, 10)
	a, b := open(t, shared, Options{Queues: []string{q}}), open(t, shared, Options{Queues: []string{q}})
	n := seen{}
	for len(n) < 2000 {
		for _, s := range []*Source{a, b} {
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			batch, err := s.Read(ctx)
			cancel()
			if errors.Is(err, context.DeadlineExceeded) {
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			n.add(batch)
			ack(t, s, batch.Token)
		}
	}
	for _, times := range slices.Sorted(maps.Values(n)) {
		if times != 1 {
			t.Fatalf("a message came %d times", times)
		}
	}
}

func TestPrefetchFollowsSize(t *testing.T) {
	for _, kind := range kinds {
		t.Run(kind, func(t *testing.T) {
			q := queue(t, shared, kind)
			publish(t, shared, q, 0, 6000, 100)
			s := NewSource(connection(shared), Options{Queues: []string{q}}, env)
			s.SetBatch(1000, 1<<20)
			if err := s.Open(t.Context(), nil); err != nil {
				t.Fatal(err)
			}
			defer closeSource(t, s)
			n := seen{}
			var tokens []any
			for len(n) < 2000 { // only with two batches ahead does it get there without an ack
				b := read(t, s)
				n.add(b)
				tokens = append(tokens, b.Token)
			}
			// Every message that an old subscription got is still valid.
			for _, tok := range tokens {
				ack(t, s, tok)
			}
			n.upTo(t, s, 6000)
			publish(t, shared, q, 6000, 6200, 100<<10)
			n.upTo(t, s, 6200)
			for id, times := range n {
				if times != 1 {
					t.Errorf("%s came %d times", id, times)
				}
			}
			c := s.session.consumers[0]
			// A quorum queue takes acknowledgements as its log does, and
			// forgets those under way when the connection closes.
			time.Sleep(300 * time.Millisecond)
			closeSource(t, s)
			if got := c.pace.prefetch; got < 5 || got > 40 {
				t.Errorf("prefetch is %d for messages of 100 KiB and batches of 1 MiB", got)
			}
			empty(t, shared, q)
		})
	}
}

func TestQueueDeleted(t *testing.T) {
	q := queue(t, shared, "quorum")
	s := open(t, shared, Options{Queues: []string{q}, Declare: true, QueueType: "quorum"})
	publish(t, shared, q, 0, 1, 10)
	ack(t, s, read(t, s).Token)
	conn, err := amqp091.Dial(shared.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	ch, err := conn.Channel()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ch.QueueDelete(q, false, false, false); err != nil {
		t.Fatal(err)
	}
	got := make(chan tidemill.Batch, 1)
	go func() { got <- read(t, s) }()
	for { // it is declared again by the source
		if _, err := shared.Depth(q); err == nil {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	publish(t, shared, q, 1, 2, 10)
	if b := <-got; b.Messages[0].ID != "1" {
		t.Errorf("got %s", b.Messages[0].ID)
	}
}
