// Command publish makes the events of the cards example and publishes them to
// RabbitMQ, or writes them to a folder or to a table of PostgreSQL.
//
//	publish -events 50000 -out .
//	publish -events 50000 -amqp amqp://guest:guest@127.0.0.1:5672/ -backfill backfill
//	publish -events 50000 -postgres postgres://postgres@127.0.0.1:5432/cards
//
// The same flags give the same events in the same order. At the end it prints
// what it published, so that what has landed can be compared.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/examples/cards/gen"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// command is what the flags ask for.
type command struct {
	options  gen.Options
	amqp     string
	out      string
	backfill string
	postgres string
	live     bool
	format   string
	remove   bool
}

// run returns the exit code: 2 for a wrong command line, 1 for a failure.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	c, err := parse(args, stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return 0
	case err != nil:
		fmt.Fprintln(stderr, "publish:", err)
		fmt.Fprintln(stderr, "hint: publish -h lists the flags")
		return 2
	}
	if err := c.do(ctx, stdout); err != nil {
		fmt.Fprintln(stderr, "publish:", err)
		for _, hint := range tidemill.Hints(err) {
			fmt.Fprintln(stderr, "hint:", hint)
		}
		return 1
	}
	return 0
}

func parse(args []string, stderr io.Writer) (command, error) {
	var c command
	f := flag.NewFlagSet("publish", flag.ContinueOnError)
	f.SetOutput(io.Discard) // run prints the error
	f.IntVar(&c.options.Events, "events", 50_000, "messages to publish, repeats and malformed ones included")
	f.Uint64Var(&c.options.Seed, "seed", 1, "another seed gives another season")
	f.Float64Var(&c.options.Duplicates, "duplicates", 0.02, "fraction of the messages that repeats an earlier one")
	f.Float64Var(&c.options.Malformed, "malformed", 0.002, "fraction of the messages that cannot be decoded")
	f.StringVar(&c.amqp, "amqp", "", "publish to the queues cards, orders and manufacturing of this RabbitMQ; makes them where they are missing")
	f.StringVar(&c.out, "out", "", "write events/ and backfill/ into this folder")
	f.StringVar(&c.backfill, "backfill", "", "with -amqp: write the backfill into this folder")
	f.StringVar(&c.postgres, "postgres", "", "write the backfill into the table events of this PostgreSQL; makes it where it is missing")
	f.BoolVar(&c.live, "live", false, "with -postgres: write the stream's events into the table, in place of the backfill")
	f.BoolVar(&c.remove, "delete", false, "publish nothing; with -amqp delete the three queues with all that is in them, with -postgres the table and what target postgres made to follow it")
	f.StringVar(&c.format, "format", "text", "form of the summary: text or json")
	if err := f.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			f.SetOutput(stderr)
			f.Usage()
		}
		return c, err
	}
	switch {
	case f.NArg() > 0:
		return c, fmt.Errorf("unexpected argument %q", f.Arg(0))
	case given(c.amqp, c.out, c.postgres) != 1:
		return c, errors.New("give one of -amqp URL, -out DIR and -postgres URL")
	case c.live && c.postgres == "":
		return c, errors.New("-live goes with -postgres")
	case c.postgres != "" && c.backfill != "":
		return c, errors.New("-postgres writes the backfill into its table: leave -backfill away")
	case c.out != "" && c.backfill != "":
		return c, errors.New("-out writes the backfill too: leave -backfill away")
	case c.remove && (c.live || c.out != "" || c.backfill != ""):
		return c, errors.New("-delete goes with -amqp or -postgres alone")
	case c.format != "text" && c.format != "json":
		return c, fmt.Errorf("-format %q is neither text nor json", c.format)
	}
	return c, nil
}

func given(flags ...string) (n int) {
	for _, f := range flags {
		if f != "" {
			n++
		}
	}
	return n
}

func (c command) do(ctx context.Context, stdout io.Writer) error {
	switch {
	case c.remove && c.postgres != "":
		return dropEvents(ctx, c.postgres)
	case c.remove:
		return deleteQueues(c.amqp)
	}
	report, err := c.publish(ctx)
	if err != nil {
		return err
	}
	return c.print(stdout, report)
}

func (c command) publish(ctx context.Context) (gen.Report, error) {
	if c.out != "" {
		return gen.WriteFiles(ctx, c.out, c.options)
	}
	var report gen.Report
	if c.postgres != "" && !c.live {
		b, err := backfillToPostgres(ctx, c.postgres, c.options)
		report.Backfill = &b
		return report, err
	}
	g, err := gen.New(c.options)
	if err != nil {
		return gen.Report{}, err
	}
	if c.backfill != "" {
		b, err := gen.WriteBackfill(ctx, filepath.Clean(c.backfill), c.options)
		if err != nil {
			return gen.Report{}, err
		}
		report.Backfill = &b
	}
	if c.live {
		err = streamToPostgres(ctx, c.postgres, g)
	} else {
		err = toRabbitMQ(ctx, c.amqp, g)
	}
	if err != nil {
		return gen.Report{}, err
	}
	report.Summary = g.Summary()
	return report, nil
}

func (c command) print(w io.Writer, r gen.Report) error {
	if c.format == "json" {
		return json.NewEncoder(w).Encode(r)
	}
	_, err := io.WriteString(w, text(r))
	return err
}
