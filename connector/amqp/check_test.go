package amqp

import (
	"context"
	"crypto/rand"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"

	amqp091 "github.com/rabbitmq/amqp091-go"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/internal/redact"
)

// secured returns a connection that the TLS listener of the shared broker
// accepts.
func secured() Connection {
	return Connection{
		URL: redact.New(shared.TLSURL()),
		TLS: TLS{CAFile: shared.CAFile, CertFile: shared.CertFile, KeyFile: shared.KeyFile},
	}
}

func TestTLS(t *testing.T) {
	q := queue(t, shared, "classic")
	publish(t, shared, q, 0, 10, 10)
	conn := secured()
	conn.URL = redact.New(shared.TLSURL())
	conn.TLS.ServerName = "localhost"
	s := NewSource(conn, Options{Queues: []string{q}}, env)
	if err := s.Open(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	defer closeSource(t, s)
	n := seen{}
	n.upTo(t, s, 10)
}

func with(c Connection, change func(*Connection)) Connection {
	change(&c)
	return c
}

func address(t *testing.T, change func(*url.URL)) redact.Secret {
	t.Helper()
	u, err := url.Parse(shared.URL())
	if err != nil {
		t.Fatal(err)
	}
	change(u)
	return redact.New(u.String())
}

func TestRefused(t *testing.T) {
	q := queue(t, shared, "classic")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	password := strings.ToLower(rand.Text())
	plain := connection(shared)
	for _, c := range []struct {
		name string
		conn Connection
		opts Options
		code tidemill.Code
		want string
	}{
		{"no queue", plain, Options{Queues: []string{q, "not-there"}}, tidemill.NotFound, "open queue not-there"},
		{"no queue named", plain, Options{}, tidemill.Invalid, "no queue is named"},
		{"declared otherwise", plain, Options{Queues: []string{q}, Declare: true, QueueType: "quorum"}, tidemill.Invalid, "x-queue-type"},
		{"odd argument", plain, Options{Queues: []string{q}, Declare: true, Arguments: map[string]any{"x": struct{}{}}}, tidemill.Invalid, "read arguments"},
		{"wrong password", Connection{URL: address(t, func(u *url.URL) { u.User = url.UserPassword("guest", password) })}, Options{Queues: []string{q}}, tidemill.Denied, "user or password"},
		{"wrong vhost", Connection{URL: address(t, func(u *url.URL) { u.Path = "/nowhere" })}, Options{Queues: []string{q}}, tidemill.Denied, "vhost"},
		{"no address", Connection{URL: redact.New("http://guest:" + password + "@host/")}, Options{Queues: []string{q}}, tidemill.Invalid, "no AMQP address"},
		{"odd address", Connection{URL: redact.New("amqp://guest:" + password + "#x@host:port/")}, Options{Queues: []string{q}}, tidemill.Invalid, "no AMQP address"},
		{"nobody there", Connection{URL: address(t, func(u *url.URL) { u.Host = nobody })}, Options{Queues: []string{q}}, tidemill.Unavailable, "refused"},
		{"tls on a plain address", with(plain, func(c *Connection) { c.TLS.CAFile = shared.CAFile }), Options{Queues: []string{q}}, tidemill.Invalid, "begins with amqp://"},
		{"tls on a plain port", Connection{URL: address(t, func(u *url.URL) { u.Scheme = "amqps" })}, Options{Queues: []string{q}}, tidemill.Invalid, "does not speak TLS"},
		{"unknown authority", with(secured(), func(c *Connection) { c.TLS.CAFile = "" }), Options{Queues: []string{q}}, tidemill.Denied, "unknown authority"},
		{"other name", with(secured(), func(c *Connection) { c.TLS.ServerName = "example.org" }), Options{Queues: []string{q}}, tidemill.Denied, "example.org"},
		{"no client certificate", with(secured(), func(c *Connection) { c.TLS.CertFile, c.TLS.KeyFile = "", "" }), Options{Queues: []string{q}}, tidemill.Denied, "certificate"},
		{"no authority file", with(secured(), func(c *Connection) { c.TLS.CAFile = "none.pem" }), Options{Queues: []string{q}}, tidemill.Invalid, "none.pem"},
		{"key without certificate", with(secured(), func(c *Connection) { c.TLS.CertFile = "" }), Options{Queues: []string{q}}, tidemill.Invalid, "only of use together"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := NewSource(c.conn, c.opts, env)
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			err := s.Open(ctx, nil)
			closeSource(t, s)
			if err == nil {
				t.Fatal("it was opened")
			}
			if tidemill.CodeOf(err) != c.code || !strings.Contains(err.Error(), c.want) || len(tidemill.Hints(err)) != 1 {
				t.Errorf("got %v with hints %q", err, tidemill.Hints(err))
			}
			if strings.Contains(err.Error(), password) || strings.Contains(strings.Join(tidemill.Hints(err), ""), password) {
				t.Errorf("the password shows: %v", err)
			}
		})
	}
}

func TestCheck(t *testing.T) {
	good, limited, hasty := t.Name()+"-good", t.Name()+"-limited", t.Name()+"-hasty"
	p := publisher(t, shared)
	for name, opts := range map[string]Options{
		good:    {QueueType: "quorum", Arguments: map[string]any{"x-delivery-limit": uint64(5), "x-dead-letter-exchange": "dead"}},
		limited: {QueueType: "quorum", Arguments: map[string]any{"x-delivery-limit": uint64(5)}},
		hasty:   {QueueType: "classic", Arguments: map[string]any{"x-consumer-timeout": uint64(60_000)}},
	} {
		if err := p.Declare(name, opts); err != nil {
			t.Fatal(err)
		}
	}
	publish(t, shared, good, 0, 3, 10)
	opts := Options{Queues: []string{good, limited, hasty, t.Name() + "-goof"}}
	got := Check(t.Context(), connection(shared), opts, 45*time.Second, env)
	want := []struct {
		ok, warn  bool
		what, why string
	}{
		{true, false, "connect to amqp://127.0.0.1:", ""},
		{true, false, "queue TestCheck-good: 3 messages, 0 consumers", ""},
		{true, false, "queue TestCheck-limited: 0 messages", ""},
		{true, true, "settings of queue TestCheck-limited", "after 5 deliveries"},
		{true, false, "queue TestCheck-hasty", ""},
		{true, true, "settings of queue TestCheck-hasty", "consumer timeout is 1m0s"},
		{false, false, "queue TestCheck-goof", `there is "TestCheck-good"`},
	}
	if len(got) != len(want) {
		t.Fatalf("got %+v", got)
	}
	for i, w := range want {
		g := got[i]
		if g.OK != w.ok || g.Warn != w.warn || !strings.HasPrefix(g.What, w.what) || !strings.Contains(g.Why, w.why) || (!g.OK || g.Warn) != (g.Hint != "") {
			t.Errorf("finding %d: %+v", i, g)
		}
	}
	opts.Declare = true
	got = Check(t.Context(), with(connection(shared), func(c *Connection) { c.Management = "http://127.0.0.1:1" }), opts, time.Second, env)
	if len(got) != 6 || !got[1].Warn || !got[5].OK {
		t.Errorf("without the API: %+v", got)
	}
	if _, err := shared.Depth(t.Name() + "-goof"); err == nil {
		t.Error("check declared a queue")
	}
}

func TestHeadersAndBodies(t *testing.T) {
	q := queue(t, shared, "quorum")
	conn, err := amqp091.Dial(shared.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	ch, err := conn.Channel()
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 11, 21, 8, 30, 0, 0, time.UTC)
	big := make([]byte, 20<<20)
	for i := range big {
		big[i] = byte(i * 7)
	}
	for _, m := range []amqp091.Publishing{
		{
			Type: "shop.v1.Order", MessageId: "m1", Timestamp: at, Body: []byte("one"), Priority: 3, DeliveryMode: 2,
			ContentType: "application/x-protobuf", ContentEncoding: "identity", CorrelationId: "c", ReplyTo: "r",
			Expiration: "600000", UserId: "guest", AppId: "app",
			Headers: amqp091.Table{
				"bool": true, "byte": byte(1), "int8": int8(-2), "int16": int16(-3), "uint16": uint16(3), "int32": int32(4), "uint32": uint32(5),
				"int64": int64(1)<<53 + 1, "float32": float32(1.5), "float64": 2.25, "decimal": amqp091.Decimal{Scale: 2, Value: -105},
				"string": "text", "bytes": []byte{0xff, 0}, "time": at, "nil": nil,
				"table": amqp091.Table{"list": []any{int32(1), "two"}, "at": at}, "long": strings.Repeat("x", 100_000),
			},
		},
		{Type: "Empty"},
		{Type: "Big", Body: big},
	} {
		if err := ch.Publish("", q, false, false, m); err != nil {
			t.Fatal(err)
		}
	}
	s := open(t, shared, Options{Queues: []string{q}})
	var got []tidemill.Message
	for len(got) < 3 {
		b := read(t, s)
		got = append(got, b.Messages...)
		ack(t, s, b.Token)
	}
	m := got[0]
	if m.Source != q || m.Type != "shop.v1.Order" || m.ID != "m1" || string(m.Value) != "one" || !m.Time.Equal(at) || m.Redelivered {
		t.Errorf("got %+v", m)
	}
	want := map[string]string{
		"routing_key": q, "content_type": "application/x-protobuf", "content_encoding": "identity",
		"correlation_id": "c", "reply_to": "r", "expiration": "600000", "user_id": "guest", "app_id": "app",
		"delivery_mode": "2", "priority": "3", "timestamp": "2026-11-21T08:30:00Z",
		"header.bool": "true", "header.byte": "1", "header.int8": "-2", "header.int16": "-3", "header.uint16": "3", "header.int32": "4",
		"header.uint32": "5", "header.int64": "9007199254740993", "header.float32": "1.5", "header.float64": "2.25",
		"header.decimal": "-1.05", "header.string": "text", "header.bytes": "/wA=", "header.time": "2026-11-21T08:30:00Z",
		"header.nil": "", "header.table": `{"at":"2026-11-21T08:30:00Z","list":[1,"two"]}`,
		"header.long": strings.Repeat("x", maxValue) + "…",
	}
	for name, v := range want {
		if m.Meta[name] != v {
			t.Errorf("%s is %.60q, want %.60q", name, m.Meta[name], v)
		}
	}
	if len(m.Meta) != len(want) {
		t.Errorf("%d values, want %d: %v", len(m.Meta), len(want), m.Meta)
	}
	if len(got[1].Value) != 0 || got[1].Type != "Empty" {
		t.Errorf("got %+v", got[1])
	}
	if string(got[2].Value) != string(big) {
		t.Error("the body of 20 MB is another")
	}
}
