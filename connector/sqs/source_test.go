package sqs

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/tidemill/tidemill"
)

// whole is how a message is seen through the pipeline's eyes.
func TestMessage(t *testing.T) {
	queue := standard(t)
	c := direct(t)
	q, err := c.find(t.Context(), queue)
	if err != nil {
		t.Fatal(err)
	}
	text := func(s string) types.MessageAttributeValue {
		return types.MessageAttributeValue{DataType: aws.String("String"), StringValue: aws.String(s)}
	}
	_, err = c.SendMessage(t.Context(), &sdk.SendMessageInput{
		QueueUrl: aws.String(q.url), MessageBody: aws.String(`{"a":1}`),
		MessageAttributes: map[string]types.MessageAttributeValue{
			"type": text("Order"), "order": text("17"),
			"raw": {DataType: aws.String("Binary"), BinaryValue: []byte{0, 255}},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	s := open(t, endpoint(), Options{Queues: []string{queue}, IDAttribute: "order"})
	b := read(t, s)
	ack(t, s, b.Token)
	if len(b.Messages) != 1 {
		t.Fatalf("got %+v", b)
	}
	m := b.Messages[0]
	if m.Source != queue || m.ID != "17" || m.Type != "Order" || string(m.Value) != `{"a":1}` || m.Redelivered || time.Since(m.Time) > time.Minute {
		t.Errorf("got %+v", m)
	}
	if m.Meta["header.raw"] != "AP8=" || m.Meta["header.order"] != "17" || m.Meta["message_id"] == "" {
		t.Errorf("meta: %v", m.Meta)
	}
}

func TestAcknowledgedNeverComesAgain(t *testing.T) {
	for _, queue := range []string{standard(t), fifo(t)} {
		send(t, queue, 0, 500, 50)
		s := open(t, endpoint(), Options{Queues: []string{queue}, Visibility: 2 * time.Second})
		n := seen{}
		n.upTo(t, s, 500, true)
		silent(t, s, 3*time.Second)
		closeSource(t, s)
		if left := depth(t, queue); left != 0 {
			t.Errorf("%s: %d messages are left", queue, left)
		}
		for body, times := range n {
			if times != 1 {
				t.Errorf("%s: %s came %d times", queue, body, times)
			}
		}
	}
}

func TestUnacknowledgedComesAgainAfterClose(t *testing.T) {
	for _, queue := range []string{standard(t), fifo(t)} {
		send(t, queue, 0, 100, 100)
		first := open(t, endpoint(), Options{Queues: []string{queue}})
		seen{}.upTo(t, first, 100, false)
		closeSource(t, first) // long before the visibility timeout
		second := open(t, endpoint(), Options{Queues: []string{queue}})
		start := time.Now()
		for n := (seen{}); len(n) < 100; {
			b := read(t, second)
			n.add(b)
			ack(t, second, b.Token)
			for _, m := range b.Messages {
				if !m.Redelivered {
					t.Fatalf("%s is not marked as redelivered", m.Value)
				}
			}
		}
		if took := time.Since(start); took > 30*time.Second {
			t.Errorf("they came again after %s only", took)
		}
	}
}

func TestUnacknowledgedComesAgainAfterCrash(t *testing.T) {
	queue := standard(t)
	send(t, queue, 0, 100, 0)
	opts := Options{Queues: []string{queue}, Visibility: 2 * time.Second}
	first := open(t, endpoint(), opts)
	seen{}.upTo(t, first, 100, false)
	crash(first)
	second := open(t, endpoint(), opts)
	start := time.Now()
	seen{}.upTo(t, second, 100, true)
	if took := time.Since(start); took > 20*time.Second {
		t.Errorf("it took %s", took)
	}
	if left := depth(t, queue); left != 0 {
		t.Errorf("%d messages are left", left)
	}
}

// A commit may take several times the visibility timeout.
func TestHiddenWhileHeld(t *testing.T) {
	for _, queue := range []string{standard(t), fifo(t)} {
		send(t, queue, 0, 45, 45)
		opts := Options{Queues: []string{queue}, Visibility: time.Second}
		s := open(t, endpoint(), opts)
		tokens := seen{}.upTo(t, s, 45, false)
		other := open(t, endpoint(), opts)
		silent(t, other, 4*time.Second)
		for _, tok := range tokens {
			ack(t, s, tok)
		}
		silent(t, other, 2*time.Second)
		if left := depth(t, queue); left != 0 {
			t.Errorf("%d messages are left", left)
		}
	}
}

// What is held is bounded by two batches.
func TestBounded(t *testing.T) {
	queue := standard(t)
	send(t, queue, 0, 600, 0)
	s := NewSource(connection(endpoint()), Options{Queues: []string{queue}}, env)
	s.SetBatch(100, 1<<20)
	t.Cleanup(func() { closeSource(t, s) })
	if err := s.Open(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	n := seen{}
	var tokens []any
	for {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		b, err := s.Read(ctx)
		cancel()
		if err != nil {
			break
		}
		n.add(b)
		tokens = append(tokens, b.Token)
	}
	if len(n) < 180 || len(n) > 210 {
		t.Errorf("%d messages were read ahead, want about 200", len(n))
	}
	for _, tok := range tokens {
		ack(t, s, tok)
	}
	n.upTo(t, s, 600, true)
}

func TestBoundedByBytes(t *testing.T) {
	h := newHand(10_000, 1000)
	q := &queue{}
	if err := h.room(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	all := h.arrived([]*held{{queue: q, id: "a", size: 1500}, {queue: q, id: "b", size: 600}}, false)
	for _, helper := range []bool{false, true} {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		if err := h.room(ctx, helper); err == nil {
			t.Errorf("helper %t: there is room", helper)
		}
		cancel()
	}
	h.gone(all)
	if err := h.room(t.Context(), false); err != nil {
		t.Error(err)
	}
}

// Of each group the first time that a message is seen must follow that of the
// one before it, whatever comes again.
func TestFIFOInOrder(t *testing.T) {
	const groups, count = 7, 420
	queue := fifo(t)
	send(t, queue, 0, count, groups)
	opts := Options{Queues: []string{queue}, Visibility: time.Second}
	rnd := rand.New(rand.NewPCG(1, 2))
	var last [groups]int
	for i := range last {
		last[i] = i - groups
	}
	s := open(t, endpoint(), opts)
	for done := 0; done < count; {
		b := read(t, s)
		for _, m := range b.Messages {
			i, err := strconv.Atoi(string(m.Value))
			if err != nil {
				t.Fatal(err)
			}
			g := i % groups
			if i > last[g]+groups {
				t.Fatalf("group %d: %d follows %d", g, i, last[g])
			}
			if m.ID != "id-"+strconv.Itoa(i) || m.Meta["group_id"] != strconv.Itoa(g) {
				t.Fatalf("%d: id %q, meta %v", i, m.ID, m.Meta)
			}
			if i == last[g]+groups {
				last[g], done = i, done+1
			}
		}
		switch rnd.IntN(10) {
		case 0: // never acknowledged, in good order
			closeSource(t, s)
			s = open(t, endpoint(), opts)
		case 1:
			crash(s)
			s = open(t, endpoint(), opts)
		default:
			ack(t, s, b.Token)
		}
	}
}

func TestContentBasedDeduplicationGivesNoID(t *testing.T) {
	queue := create(t, "content.fifo", map[string]string{"FifoQueue": "true", "ContentBasedDeduplication": "true"})
	c := direct(t)
	q, err := c.find(t.Context(), queue)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.SendMessage(t.Context(), &sdk.SendMessageInput{QueueUrl: aws.String(q.url), MessageBody: aws.String("a"), MessageGroupId: aws.String("g")}); err != nil {
		t.Fatal(err)
	}
	s := open(t, endpoint(), Options{Queues: []string{queue}})
	b := read(t, s)
	ack(t, s, b.Token)
	if b.Messages[0].ID != "" {
		t.Errorf("id %q", b.Messages[0].ID)
	}
}

// A token of another source, and none, are no tokens.
func TestForeignTokens(t *testing.T) {
	queue := standard(t)
	send(t, queue, 0, 5, 0)
	opts := Options{Queues: []string{queue}}
	first := open(t, endpoint(), opts)
	tok := read(t, first).Token
	closeSource(t, first)
	second := open(t, endpoint(), opts)
	n := seen{}
	b := read(t, second)
	n.add(b)
	ack(t, second, tok)
	ack(t, second, nil)
	ack(t, second, "token")
	if left := depth(t, queue); left != 5 {
		t.Errorf("%d messages are left, want all 5", left)
	}
	ack(t, second, b.Token)
}

func TestDrain(t *testing.T) {
	for _, queue := range []string{standard(t), fifo(t)} {
		send(t, queue, 0, 300, 3)
		s := open(t, endpoint(), Options{Queues: []string{queue}})
		if err := s.Drain(t.Context()); err != nil {
			t.Fatal(err)
		}
		n := seen{}
		for {
			b, err := s.Read(t.Context())
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			n.add(b)
			ack(t, s, b.Token)
		}
		if len(n) != 300 || depth(t, queue) != 0 {
			t.Errorf("%d messages were read, %d are left", len(n), depth(t, queue))
		}
		if _, err := s.Read(t.Context()); !errors.Is(err, io.EOF) {
			t.Errorf("after the end: %v", err)
		}
	}
}

// A drain ends also while messages keep coming, and where all that is left is
// not acknowledged.
func TestDrainEndsWhileMessagesCome(t *testing.T) {
	queue := standard(t)
	send(t, queue, 0, 100, 0)
	s := open(t, endpoint(), Options{Queues: []string{queue}})
	if err := s.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	stop := make(chan struct{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := 1000; ; i += 10 {
			select {
			case <-stop:
				return
			default:
				send(t, queue, i, i+10, 0)
			}
		}
	}()
	n := seen{}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	var err error
	for err == nil {
		var b tidemill.Batch
		b, err = s.Read(ctx)
		n.add(b)
	}
	close(stop)
	<-done
	if !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	for i := range 100 {
		if n[strconv.Itoa(i)] != 1 {
			t.Errorf("%d came %d times", i, n[strconv.Itoa(i)])
		}
	}
}

// Through restarts, crashes and late acknowledgements every message is seen,
// and after its acknowledgement never again.
func TestManyRestarts(t *testing.T) {
	const count = 10_000
	queue := standard(t)
	send(t, queue, 0, count, 0)
	opts := Options{Queues: []string{queue}, Visibility: 3 * time.Second}
	rnd := rand.New(rand.NewPCG(3, 4))
	n, acked := seen{}, map[string]bool{}
	s := open(t, endpoint(), opts)
	for restarts := 0; len(acked) < count; {
		b := read(t, s)
		n.add(b)
		for _, m := range b.Messages {
			if acked[string(m.Value)] {
				t.Fatalf("%s came again after its acknowledgement", m.Value)
			}
		}
		if restarts < 8 && rnd.IntN(4) == 0 {
			restarts++
			if restarts%2 == 0 {
				crash(s)
			} else {
				closeSource(t, s)
			}
			s = open(t, endpoint(), opts)
			continue
		}
		ack(t, s, b.Token)
		for _, m := range b.Messages {
			acked[string(m.Value)] = true
		}
	}
	silent(t, s, 5*time.Second)
	if left := depth(t, queue); left != 0 || len(n) != count {
		t.Errorf("%d of %d messages were seen, %d are left", len(n), count, left)
	}
}

func TestOpenErrors(t *testing.T) {
	for _, c := range []struct {
		name, queue string
		want        tidemill.Code
		text        string
	}{
		{"missing", "nowhere", tidemill.NotFound, "no such queue"},
		{"missing by URL", endpoint() + "/000000000000/nowhere", tidemill.NotFound, "no such queue"},
		{"other region", "https://sqs.eu-west-1.amazonaws.com/1/q", tidemill.Invalid, "eu-west-1"},
		{"no URL", "https://nowhere", tidemill.Invalid, "no URL"},
		{"no queue's ARN", "arn:aws:sns:eu-west-1:1:q", tidemill.Invalid, "no ARN"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := NewSource(connection(endpoint()), Options{Queues: []string{c.queue}}, env)
			defer closeSource(t, s)
			err := s.Open(t.Context(), nil)
			if tidemill.CodeOf(err) != c.want || !strings.Contains(err.Error(), c.text) || len(tidemill.Hints(err)) == 0 {
				t.Errorf("got %v, hints %q", err, tidemill.Hints(err))
			}
		})
	}
	s := NewSource(connection(endpoint()), Options{}, env)
	if err := s.Open(t.Context(), nil); tidemill.CodeOf(err) != tidemill.Invalid {
		t.Errorf("no queue: %v", err)
	}
}

func TestOpenByURLAndARN(t *testing.T) {
	queue := standard(t)
	send(t, queue, 0, 2, 0)
	for _, name := range []string{endpoint() + "/000000000000/" + queue, "arn:aws:sqs:us-east-1:000000000000:" + queue} {
		s := open(t, endpoint(), Options{Queues: []string{name}})
		if b := read(t, s); b.Messages[0].Source != queue {
			t.Errorf("%s: source %q", name, b.Messages[0].Source)
		}
		closeSource(t, s)
	}
}
