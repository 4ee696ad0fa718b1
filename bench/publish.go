package main

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/connector/amqp"
	"github.com/tidemill/tidemill/examples/cards/gen"
	"github.com/tidemill/tidemill/internal/redact"
)

var quiet = tidemill.Env{Log: slog.New(slog.DiscardHandler)}

func connection(url string) amqp.Connection {
	return amqp.Connection{URL: redact.New(url), Heartbeat: 10 * time.Second}
}

// publish sends events, and returns when the broker has them all.
func publish(ctx context.Context, url string, events func(yield func(gen.Event) bool)) (err error) {
	p, err := amqp.NewPublisher(ctx, connection(url), quiet)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	for _, queue := range gen.Queues() {
		if err := p.Declare(queue, amqp.Options{QueueType: "classic"}); err != nil {
			return err
		}
	}
	meta := map[string]string{"content_type": "application/x-protobuf", "app_id": "cards"}
	for e := range events {
		m := tidemill.Message{Source: e.Queue, Type: e.Type, Value: e.Body, Time: e.Time, Meta: meta}
		if err := p.Publish(ctx, m); err != nil {
			return err
		}
	}
	return p.Flush(ctx)
}

// orders yields the first n orders of a season: messages of 300 bytes.
func orders(n int) func(yield func(gen.Event) bool) {
	return func(yield func(gen.Event) bool) {
		g, err := gen.New(gen.Options{Events: 4*n + 10_000, Seed: 1})
		if err != nil {
			panic(err) // the options are ours
		}
		for e := range g.All() {
			if e.Queue != "orders" {
				continue
			}
			if n--; !yield(e) || n == 0 {
				return
			}
		}
	}
}
