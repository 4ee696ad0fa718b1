package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/tidemill/tidemill/examples/cards/gen"
)

// memoryLimit is what a process that lands may hold of its own, in bytes.
const memoryLimit = 200 << 20

// benchMemory lands two million messages by the real binary, first as they
// are published to RabbitMQ, then from files, and watches the memory of the
// process.
func benchMemory(ctx context.Context, b *bench) error {
	n := b.n(2_000_000)
	o := gen.Options{Events: n, Seed: 1, Duplicates: 0.02, Malformed: fewMalformed / float64(n)}
	if err := b.memoryOfQueues(ctx, o); err != nil {
		return err
	}
	return b.memoryOfFiles(ctx, o)
}

func (b *bench) memoryOfQueues(ctx context.Context, o gen.Options) error {
	broker, err := b.broker()
	if err != nil {
		return err
	}
	dir, err := b.cards()
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	g, err := gen.New(o)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, ".env"), []byte("AMQP_URL="+broker.URL()+"\n"), 0o600); err != nil {
		return err
	}
	if err := publish(ctx, broker.URL(), func(func(gen.Event) bool) {}); err != nil { // makes the queues
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	published := make(chan error, 1)
	go func() {
		err := publish(ctx, broker.URL(), g.All())
		if err != nil {
			cancel() // ends the landing too
		}
		published <- err
	}()
	begun := time.Now()
	out, peak, err := b.watched(ctx, dir, "--target", "rabbitmq", "land", "events", "--until-idle", "10s", "--format", "json")
	took := time.Since(begun) - 10*time.Second
	if err != nil {
		cancel()
	}
	if err := errors.Join(err, <-published); err != nil {
		return err
	}
	return b.addMemory("from RabbitMQ, while they are published", out, peak, took, g)
}

func (b *bench) memoryOfFiles(ctx context.Context, o gen.Options) error {
	dir, err := b.cards()
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	g, err := gen.New(o)
	if err != nil {
		return err
	}
	if err := gen.WriteStream(ctx, filepath.Join(dir, "events"), g); err != nil {
		return err
	}
	begun := time.Now()
	out, peak, err := b.watched(ctx, dir, "land", "events", "--once", "--format", "json")
	if err != nil {
		return err
	}
	return b.addMemory("from files", out, peak, time.Since(begun), g)
}

// addMemory checks that what g made has landed whole, and reports.
func (b *bench) addMemory(how, out string, peak footprint, took time.Duration, g *gen.Generator) error {
	var landed struct {
		Rows        int `json:"rows"`
		Duplicates  int `json:"duplicates"`
		DeadLetters int `json:"dead_letters"`
	}
	if err := json.Unmarshal([]byte(out), &landed); err != nil {
		return fmt.Errorf("read the figures of tidemill land: %w", err)
	}
	want := g.Summary()
	if landed.Rows != want.Unique || landed.Duplicates != want.Duplicates || landed.DeadLetters != want.Malformed {
		return fmt.Errorf("landed %+v of %+v", landed, want)
	}
	b.add(figure{
		bench: "memory", what: fmt.Sprintf("%d messages %s (%s; %d MiB with pages of the program file)", want.Published, how, rate(want.Published, took, "messages"), peak.all>>20),
		subject: fmt.Sprintf("%d MiB", peak.own>>20), need: "<= 200 MiB", ok: peak.own <= memoryLimit,
	})
	return nil
}

// fewMalformed is how many malformed messages are among the events, whatever
// their number. They are spread over the queues, and one of those is short:
// read alone, from a file, more of them would rightly put the brake on.
const fewMalformed = 60
