package rabbitmq_test

import (
	"net"
	"net/url"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/tidemill/tidemill/tidetest/rabbitmq"
)

func TestBroker(t *testing.T) {
	b, err := rabbitmq.Run(rabbitmq.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := b.Stop(); err != nil {
			t.Error(err)
		}
	}()
	conn, err := amqp.Dial(b.URL())
	if err != nil {
		t.Fatal(err)
	}
	ch, err := conn.Channel()
	if err != nil {
		t.Fatal(err)
	}
	if err := ch.Confirm(false); err != nil {
		t.Fatal(err)
	}
	if _, err := ch.QueueDeclare("q", true, false, false, false, nil); err != nil {
		t.Fatal(err)
	}
	c, err := ch.PublishWithDeferredConfirm("", "q", true, false, amqp.Publishing{DeliveryMode: amqp.Persistent, Body: []byte("x")})
	if err != nil || !c.Wait() {
		t.Fatal(err)
	}
	gone := conn.NotifyClose(make(chan *amqp.Error, 1))
	if err := b.CloseConnections(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-gone:
	case <-time.After(10 * time.Second):
		t.Fatal("the connection is still open")
	}
	for name, again := range map[string]func() error{"restart": b.Restart, "crash": b.Crash} {
		if err := again(); err != nil {
			t.Fatal(name, err)
		}
		if n, err := b.Depth("q"); n != 1 || err != nil {
			t.Errorf("after %s: %d messages, %v", name, n, err)
		}
	}
	u, err := url.Parse(b.URL())
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Stop(); err != nil {
		t.Fatal(err)
	}
	// The kernel closes what the server had in its own time.
	for deadline := time.Now().Add(5 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		c, err := net.DialTimeout("tcp", u.Host, time.Second)
		if err != nil {
			break
		}
		_ = c.Close()
		if time.Now().After(deadline) {
			t.Fatal("something still listens")
		}
	}
}
