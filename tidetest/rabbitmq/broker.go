// Package rabbitmq starts private RabbitMQ servers for tests and benchmarks:
// the real server of the system's package, as an unprivileged user, with its
// data in a temporary folder, on free ports of 127.0.0.1. Nothing outlives
// the process that started it, also where that is killed.
//
// A server takes several seconds to start. A package whose tests do not
// restart it shares one, which TestMain makes with Run and stops.
package rabbitmq

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

// startWithin is how long a server may take to answer.
const startWithin = 90 * time.Second

// Options say what a server offers beside plain AMQP.
type Options struct {
	TLS        bool // a listener with a certificate of a new authority, see Broker.TLSURL
	ClientCert bool // with TLS: connections without Broker.CertFile are refused
	Management bool // the HTTP API, at Broker.ManagementURL; takes seconds more to start
}

// Broker is a running server. Its methods may be called from several
// goroutines, except Stop, Kill, Start and Restart.
type Broker struct {
	CAFile, CertFile, KeyFile string // PEM files for a client of the TLS listener

	dir    string
	opts   Options
	ports  ports
	epmd   *process
	server *process
}

// Start returns a broker that stops with the test. It fails the test where
// the server does not start.
func Start(t testing.TB, opts Options) *Broker {
	t.Helper()
	b, err := Run(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Stop(); err != nil {
			t.Error(err)
		}
	})
	return b
}

// Run starts a broker, which the caller stops.
func Run(opts Options) (*Broker, error) {
	if _, err := os.Stat(serverScript); err != nil {
		return nil, errors.New("rabbitmq-server is not installed: run scripts/install-services")
	}
	b := &Broker{opts: opts}
	err := b.prepare()
	if err == nil {
		err = b.Start()
	}
	if err != nil {
		return nil, errors.Join(err, b.Stop())
	}
	return b, nil
}

// URL is where clients connect.
func (b *Broker) URL() string { return fmt.Sprintf("amqp://guest:guest@127.0.0.1:%d/", b.ports.amqp) }

// TLSURL is where clients connect with TLS. The server's certificate is for
// localhost and 127.0.0.1.
func (b *Broker) TLSURL() string {
	return fmt.Sprintf("amqps://guest:guest@127.0.0.1:%d/", b.ports.tls)
}

// ManagementURL is the address of the HTTP API.
func (b *Broker) ManagementURL() string {
	return fmt.Sprintf("http://127.0.0.1:%d", b.ports.management)
}

// Start starts a server that was killed or shut down, with its data and ports.
func (b *Broker) Start() error {
	p, err := b.launch(serverScript)
	if err != nil {
		return err
	}
	b.server = p
	if err := b.ready(); err != nil {
		return fmt.Errorf("start rabbitmq: %w\n%s", err, b.LogTail(4<<10))
	}
	return nil
}

func (b *Broker) ready() error {
	deadline := time.Now().Add(startWithin)
	for {
		conn, err := amqp.DialConfig(b.URL(), amqp.Config{Dial: amqp.DefaultDial(5 * time.Second)})
		if err == nil {
			return conn.Close()
		}
		select {
		case <-b.server.done:
			return fmt.Errorf("the server ended: %w", b.server.err)
		case <-time.After(50 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("no answer within %s: %w", startWithin, err)
		}
	}
}

// Shutdown ends the server in good order and keeps its data.
func (b *Broker) Shutdown() error {
	err := b.eval(`init:stop().`)
	if err == nil {
		select {
		case <-b.server.done:
			return nil
		case <-time.After(30 * time.Second):
			err = errors.New("it is still there after 30s")
		}
	}
	b.Kill()
	return fmt.Errorf("shut rabbitmq down: %w\n%s", err, b.LogTail(4<<10))
}

// Kill ends the server as a crash would, and keeps its data.
func (b *Broker) Kill() { b.server.kill() }

// Restart ends the server in good order and starts it again.
func (b *Broker) Restart() error {
	if err := b.Shutdown(); err != nil {
		return err
	}
	return b.Start()
}

// Crash kills the server and starts it again.
func (b *Broker) Crash() error {
	b.Kill()
	return b.Start()
}

// Stop kills the server and removes its data. It may be called again.
func (b *Broker) Stop() error {
	for _, p := range []*process{b.server, b.epmd} {
		if p != nil {
			p.kill()
		}
	}
	if b.dir == "" {
		return nil
	}
	return os.RemoveAll(b.dir)
}

// CloseConnections makes the server close every connection, and returns when
// it has.
func (b *Broker) CloseConnections() error {
	return b.eval(`rabbit_networking:close_connections(rabbit_networking:connections(), <<"closed by the test">>).`)
}

// Depth returns how many messages of a queue are ready for delivery; those
// that a consumer holds unacknowledged do not count.
func (b *Broker) Depth(queue string) (int, error) {
	conn, err := amqp.Dial(b.URL())
	if err != nil {
		return 0, err
	}
	defer func() { _ = conn.Close() }() // nothing is under way
	ch, err := conn.Channel()
	if err != nil {
		return 0, err
	}
	q, err := ch.QueueDeclarePassive(queue, true, false, false, false, nil)
	return q.Messages, err
}

// WaitDepth waits until n messages of a queue are ready.
func (b *Broker) WaitDepth(ctx context.Context, queue string, n int) error {
	for {
		have, err := b.Depth(queue)
		if err != nil || have == n {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("queue %s has %d messages, not %d: %w", queue, have, n, ctx.Err())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// LogTail returns the last bytes of the server's log and output.
func (b *Broker) LogTail(n int) string {
	var all []byte
	for _, name := range []string{"output", "rabbit.log"} {
		text, err := os.ReadFile(filepath.Join(b.dir, name))
		if err != nil {
			continue
		}
		all = append(all, text[max(0, len(text)-n):]...)
	}
	return string(all)
}
