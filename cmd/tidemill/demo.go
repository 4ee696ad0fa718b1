package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/examples"
	"github.com/tidemill/tidemill/examples/cards/gen"
	"github.com/tidemill/tidemill/pipeline/build"
	"github.com/tidemill/tidemill/pipeline/land"
	"github.com/tidemill/tidemill/project"
)

type demoFlags struct {
	once   bool
	folder string
	format string
	events gen.Options
}

func (a *app) demoCommand() *cobra.Command {
	var f demoFlags
	c := &cobra.Command{
		Use:   "demo",
		Short: "Make a project, publish events, land, build and test: the whole line",
		Long: `Write the cards project to a new folder, publish events to it with duplicates
and malformed ones among them, land them, build and test the models, and print
a report whose figures add up. The folder stays, for you to go on with.

Without --once it goes on: three times as many events again are published, some
every second, and landed and built as they come, until it is stopped.`,
		Example: `  tidemill demo --once
  tidemill demo --once --events 500000 --format json
  tidemill demo --folder cards`,
		Args: atMost(0),
		RunE: func(c *cobra.Command, _ []string) error {
			if f.format != "text" && f.format != "json" {
				return usagef("--format %q: want text or json", f.format)
			}
			return a.demo(c.Context(), f)
		},
	}
	c.Flags().BoolVar(&f.once, "once", false, "end after the report")
	c.Flags().StringVar(&f.folder, "folder", "", "folder of the project (default: a new temporary one)")
	c.Flags().StringVar(&f.format, "format", "text", "the report: text or json")
	eventFlags(c, &f.events, 50_000)
	return c
}

// eventFlags adds the flags of the generator.
func eventFlags(c *cobra.Command, o *gen.Options, events int) {
	c.Flags().IntVar(&o.Events, "events", events, "messages to publish, repeats and malformed ones included")
	c.Flags().Uint64Var(&o.Seed, "seed", 1, "another seed gives another season")
	c.Flags().Float64Var(&o.Duplicates, "duplicates", 0.02, "fraction of the messages that repeats an earlier one")
	c.Flags().Float64Var(&o.Malformed, "malformed", 0.002, "fraction of the messages that cannot be decoded")
}

func (a *app) demo(ctx context.Context, f demoFlags) error {
	started := time.Now()
	if _, err := gen.New(f.events); err != nil { // before anything is written
		return usageError{err}
	}
	folder, err := demoFolder(f.folder)
	if err != nil {
		return err
	}
	step := func(format string, args ...any) {
		if !a.quiet {
			fmt.Fprintf(a.stderr, format+"\n", args...)
		}
	}
	step("project   %s", folder)
	if err := writeProject("cards", folder, examples.Cards(), ignoredCards); err != nil {
		return err
	}
	stream, err := newDemoStream(ctx, folder, f)
	if err != nil {
		return err
	}
	if err := stream.publish(f.events.Events); err != nil {
		return err
	}
	published := stream.Summary()
	step("publish   %d events: %d unique, %d sent twice, %d malformed", published.Published, published.Unique, published.Duplicates, published.Malformed)

	a.dir = folder
	p, wh, err := a.open(ctx)
	if err != nil {
		return err
	}
	report := demoReport{Project: folder, Published: int64(published.Published), oversold: published.Oversold}
	if err := a.demoLine(ctx, p, wh, &report); err != nil {
		return err
	}
	report.Seconds = time.Since(started).Seconds()
	if f.format == "json" {
		err = a.printJSON(report)
	} else {
		a.printDemo(report)
	}
	if err == nil {
		err = report.check()
	}
	if err != nil || f.once {
		return err
	}
	return a.demoOn(ctx, p, wh, stream)
}

// demoFolder returns an absolute path of a folder that is new or empty.
func demoFolder(folder string) (string, error) {
	if folder == "" {
		return os.MkdirTemp("", "tidemill-demo-")
	}
	return filepath.Abs(folder)
}

// demoLine lands what the folder holds and builds the models.
func (a *app) demoLine(ctx context.Context, p *project.Project, wh tidemill.Warehouse, report *demoReport) error {
	summaries, err := a.landAll(ctx, p, wh, p.Pipelines, land.Once)
	if err != nil {
		return err
	}
	report.Pipelines = summaries
	for _, s := range summaries {
		if s.Pipeline == "events" {
			report.Landed, report.Duplicates, report.DeadLetters = s.Rows, s.Duplicates, s.DeadLetters
		}
	}
	results, err := a.runModels(ctx, p, wh, build.BuildCommand, buildFlags{threads: 4}, nil)
	if err != nil {
		return err
	}
	for _, r := range results.Results {
		switch {
		case r.Kind == "model" && r.Status == build.Success:
			report.Models++
		case r.Status == build.Pass:
			report.TestsPassed++
		case r.Status == build.Warn:
			report.TestsWarned++
			report.warnings = append(report.warnings, r)
		case r.Kind == "test":
			report.TestsFailed++
		}
		if r.Status.Bad() {
			a.explain(r)
		}
	}
	if results.Failed() {
		return &tidemill.Error{Code: tidemill.Failed, Op: "demo", Err: errors.New("models or tests failed"), Hint: "tidemill -C " + report.Project + " build"}
	}
	return ctx.Err()
}
