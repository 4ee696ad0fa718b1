package main

import (
	"context"
	"fmt"
	"path/filepath"
	"runtime"
	"time"

	amqp091 "github.com/rabbitmq/amqp091-go"

	"github.com/tidemill/tidemill/connector/amqp"
	"github.com/tidemill/tidemill/connector/duckdb"
	"github.com/tidemill/tidemill/decode"
	"github.com/tidemill/tidemill/pipeline/land"
	"github.com/tidemill/tidemill/project"
)

const (
	queue     = "orders"
	batchRows = 10_000 // the default of land.batch.rows
)

// benchLand lands orders from RabbitMQ in DuckDB, in process, and drains the
// same orders from the same queue by a bare consumer, which only acknowledges.
func benchLand(ctx context.Context, b *bench) error {
	broker, err := b.broker()
	if err != nil {
		return err
	}
	n := b.n(300_000)
	each := func(run func() (time.Duration, error)) func() (time.Duration, error) {
		return func() (time.Duration, error) {
			if err := publish(ctx, broker.URL(), orders(n)); err != nil {
				return 0, err
			}
			runtime.GC() // of what publishing left
			return run()
		}
	}
	took, err := alternate(b.rounds,
		each(func() (time.Duration, error) { return timed(func() error { return drain(broker.URL(), n) }) }),
		each(func() (time.Duration, error) { return b.land(ctx, broker.URL(), n) }))
	if err != nil {
		return err
	}
	ratio := took[0].Seconds() / took[1].Seconds()
	b.add(figure{
		bench: "land", what: fmt.Sprintf("%d orders from RabbitMQ to DuckDB", n),
		subject: rate(n, took[1], "messages"), floor: rate(n, took[0], "messages"), ratio: ratio,
		need: ">= 0.5 (goal 0.8)", ok: ratio >= 0.5,
	})
	return nil
}

// drain takes n messages and acknowledges them in batches.
func drain(url string, n int) error {
	conn, err := amqp091.Dial(url)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }() // all is acknowledged, or the run has failed
	ch, err := conn.Channel()
	if err != nil {
		return err
	}
	if err := ch.Qos(2*batchRows, 0, false); err != nil {
		return err
	}
	deliveries, err := ch.Consume(queue, "", false, false, false, false, nil)
	if err != nil {
		return err
	}
	for i := 1; i <= n; i++ {
		d, ok := <-deliveries
		if !ok {
			return fmt.Errorf("the broker closed the channel after %d messages", i)
		}
		if i%batchRows == 0 || i == n {
			if err := ch.Ack(d.DeliveryTag, true); err != nil {
				return err
			}
		}
	}
	return conn.Close() // behind the acknowledgements
}

// land lands n messages into a new database and returns how long the pipeline
// ran, from connecting to the last acknowledgement. The checkpoints that come
// due meanwhile are in it, the one of closing the database is not.
func (b *bench) land(ctx context.Context, url string, n int) (time.Duration, error) {
	dir, err := b.cards()
	if err != nil {
		return 0, err
	}
	w, err := duckdb.Open(ctx, duckdb.Connection{Path: filepath.Join(dir, "land.duckdb")}, quiet)
	if err != nil {
		return 0, err
	}
	defer func() { _ = w.Close() }() // what is measured has been committed
	decoders, err := decode.New(project.Decode{Format: "protobuf", Files: []string{"proto/events.proto"}, Message: "type"}, dir)
	if err != nil {
		return 0, err
	}
	l, err := land.New(land.Config{
		Pipeline: project.Pipeline{
			Name: "orders",
			Land: project.Land{Table: "raw.events", Shape: "envelope", Write: "append", Dedupe: "window", Window: time.Hour},
			Dead: project.Dead{StopAt: project.StopAt{Percent: 5, Window: 1000}},
		},
		Source:    amqp.NewSource(connection(url), amqp.Options{Queues: []string{queue}}, quiet),
		Warehouse: w, Decoder: decoders, Mode: land.Once,
	})
	if err != nil {
		return 0, err
	}
	begun := time.Now()
	s, err := l.Run(ctx)
	took := time.Since(begun)
	if err == nil && int(s.Rows) != n {
		err = fmt.Errorf("%d of %d messages landed, %d are duplicates, %d dead", s.Rows, n, s.Duplicates, s.DeadLetters)
	}
	return took, err
}
