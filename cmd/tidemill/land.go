package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/pipeline/land"
	"github.com/tidemill/tidemill/project"
)

type landFlags struct {
	once      bool
	untilIdle time.Duration
	format    string
}

func (f landFlags) mode() land.Mode {
	switch {
	case f.once:
		return land.Once
	case f.untilIdle > 0:
		return land.UntilIdle(f.untilIdle)
	}
	return land.Forever
}

func (a *app) landCommand() *cobra.Command {
	var f landFlags
	c := &cobra.Command{
		Use:   "land [PIPELINE...]",
		Short: "Land events in the warehouse, each exactly once",
		Long: `Read the sources of the named pipelines (default: all), and land their events.
It runs until SIGINT or SIGTERM, which finish the batch in hand; or until the
sources are drained with --once or --until-idle.

A pipeline that fails ends alone; the others go on, and the exit code is 1.`,
		Example: `  tidemill land
  tidemill land events --once
  tidemill land --until-idle 2s --format json`,
		RunE: func(c *cobra.Command, args []string) error {
			if f.format != "text" && f.format != "json" {
				return usagef("--format %q: want text or json", f.format)
			}
			if f.untilIdle < 0 || f.once && f.untilIdle != 0 {
				return usagef("give one of --once and --until-idle with a duration above zero")
			}
			return a.land(c.Context(), f, args)
		},
	}
	c.Flags().BoolVar(&f.once, "once", false, "land what the sources hold now, then end")
	c.Flags().DurationVar(&f.untilIdle, "until-idle", 0, "end when nothing has come for this long")
	c.Flags().StringVar(&f.format, "format", "text", "the figures at the end: text or json (one object per pipeline)")
	return c
}

func (a *app) land(ctx context.Context, f landFlags, names []string) error {
	if os.Getenv("GOGC") == "" {
		// A landing process lives for weeks beside others: memory counts for
		// more than the twentieth of its CPU that this costs.
		debug.SetGCPercent(30)
	}
	p, err := a.loadProject()
	if err != nil {
		return err
	}
	pipelines, err := pick(p, names)
	if err != nil {
		return err
	}
	wh, err := a.openWarehouse(ctx, p)
	if err != nil {
		return err
	}
	summaries, err := a.landAll(ctx, p, wh, pipelines, f.mode())
	for _, s := range summaries {
		if f.format == "json" || err == nil || s.Batches > 0 { // a pipeline that did nothing but fail has said so
			a.printSummary(s, f.format)
		}
	}
	return err
}

// pick returns the named pipelines, or all.
func pick(p *project.Project, names []string) ([]project.Pipeline, error) {
	if len(p.Pipelines) == 0 {
		return nil, &tidemill.Error{
			Code: tidemill.Invalid, Op: "land", Err: errors.New("the project has no pipelines"),
			Hint: "add one under pipelines: in tidemill.yml; tidemill init shows the form",
		}
	}
	selected, err := p.Select(names...)
	if err != nil {
		return nil, err
	}
	var picked []project.Pipeline
	for _, pl := range selected {
		picked = append(picked, *pl)
	}
	return picked, nil
}

// landAll runs the pipelines side by side and returns their figures in order.
// One that fails does not stop the others.
func (a *app) landAll(ctx context.Context, p *project.Project, wh tidemill.Warehouse, pipelines []project.Pipeline, mode land.Mode) ([]land.Summary, error) {
	shown := a.newProgress(pipelines)
	defer shown.stop()
	landers := make([]*land.Lander, len(pipelines))
	for i, pl := range pipelines {
		l, err := a.newLander(p, wh, pl, mode, shown.update)
		if err != nil {
			return nil, err
		}
		landers[i] = l
	}
	summaries := make([]land.Summary, len(landers))
	errs := make([]error, len(landers))
	var wg sync.WaitGroup
	for i, l := range landers {
		wg.Go(func() {
			defer context.AfterFunc(ctx, l.Stop)()
			summaries[i], errs[i] = l.Run(context.WithoutCancel(ctx))
			if errs[i] != nil && len(landers) > 1 { // the others may run for days: say it now
				report(a.stderr, errs[i])
				errs[i] = quietError{errs[i]}
			}
		})
	}
	wg.Wait()
	return summaries, errors.Join(errs...)
}

func (a *app) printSummary(s land.Summary, format string) {
	if format == "json" {
		line, err := json.Marshal(s)
		if err == nil {
			fmt.Fprintf(a.stdout, "%s\n", line)
		}
		return
	}
	fmt.Fprintf(a.stdout, "%s: %s landed in %s, %s, %s, %.1f s\n", s.Pipeline, plural(s.Rows, "row"),
		plural(s.Batches, "batch"), plural(s.Duplicates, "duplicate"), plural(s.DeadLetters, "dead letter"), s.Seconds)
	if s.DeadLetters > 0 {
		fmt.Fprintf(a.stderr, "  what could not land, and why: tidemill dead list --pipeline %s\n", s.Pipeline)
	}
}
