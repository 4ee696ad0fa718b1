// Package broker lets the broker and the processes around it fail while the
// real binary lands: connections that are cut, a server that restarts and
// crashes, producers that send again, and processes that share queues and a
// database until one of them is killed.
package broker

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/tidemill/tidemill/e2e/internal/cli"
	"github.com/tidemill/tidemill/e2e/internal/produce"
	"github.com/tidemill/tidemill/examples/cards/gen"
	"github.com/tidemill/tidemill/tidetest/rabbitmq"
)

// server is shared by the tests, which run one after the other because they
// restart it.
var server *rabbitmq.Broker

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	var err error
	if server, err = rabbitmq.Run(rabbitmq.Options{}); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	code := m.Run()
	if err := server.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

const config = `
name: broker
targets:
  dev:
    connections:
      warehouse: {type: duckdb, path: broker.duckdb}
      events: {type: amqp, url: %q}
pipelines:
  events:
    source: {connection: events, queues: [%[2]scards, %[2]smanufacturing, %[2]sorders], declare: true, queue_type: %[3]s}
    decode: {format: protobuf, files: [proto/events.proto]}
    land: {table: raw.events, batch: {rows: 1000, wait: 100ms}}
    dead: {stop_at: off}
`

// flow is a project with a producer that sends to its queues.
type flow struct {
	*cli.Project
	t         *testing.T
	prefix    string
	want      cli.Expected
	events    int
	published chan error
}

// start begins to publish n events at a pace to queues of a kind.
func start(t *testing.T, prefix, kind string, n int, pace time.Duration) *flow {
	t.Helper()
	f := &flow{
		Project: cli.New(t, fmt.Sprintf(config, server.URL(), prefix, kind)), t: t,
		prefix: prefix, want: cli.NewExpected(prefix), events: n, published: make(chan error, 1),
	}
	g, err := gen.New(gen.Options{Events: n, Seed: 11, Duplicates: 0.02, Malformed: 0.003})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	pub := &produce.Publisher{URL: server.URL(), Prefix: prefix, QueueType: kind, Pace: pace}
	done := make(chan struct{})
	t.Cleanup(func() { cancel(); <-done })
	go func() {
		defer close(done)
		f.published <- pub.Run(ctx, f.want.Watch(g))
	}()
	return f
}

// finish waits until all is published and read.
func (f *flow) finish() {
	f.t.Helper()
	if err := <-f.published; err != nil {
		f.t.Fatalf("publish: %v\n%s", err, server.LogTail(2000))
	}
	ctx, cancel := context.WithTimeout(f.t.Context(), time.Minute)
	defer cancel()
	for _, q := range gen.Queues() {
		if err := server.WaitDepth(ctx, f.prefix+q, 0); err != nil {
			f.t.Fatal(err)
		}
	}
}

// stop interrupts processes, which must end in good order, and compares what
// they have landed with what was published.
func (f *flow) stop(lands ...*cli.Process) {
	f.t.Helper()
	for _, l := range lands {
		l.Interrupt()
	}
	for _, l := range lands {
		if r := l.Wait(time.Minute); r.Code != 0 {
			f.t.Errorf("exit code %d\n%s", r.Code, r.Output())
		}
	}
	// What was on its way to them is in the queues again.
	f.Must("land", "--once")
	for _, q := range gen.Queues() {
		if n, err := server.Depth(f.prefix + q); n != 0 || err != nil {
			f.t.Errorf("queue %s holds %d messages, %v", q, n, err)
		}
	}
	f.want.Check(f.Project)
}

// waitRows waits until the table has more than n rows.
func (f *flow) waitRows(n int) {
	f.t.Helper()
	f.Eventually(fmt.Sprintf("select count(*) > %d from raw.events", n), "true")
}
