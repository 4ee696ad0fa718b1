package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/pipeline/land"
	"github.com/tidemill/tidemill/project"
)

func (a *app) deadReplayCommand() *cobra.Command {
	var f land.Filter
	var format string
	c := &cobra.Command{
		Use: "replay [ID]", Short: "Try again to land dead letters, once the cause is mended",
		Long: `Decode the selected dead letters again and land those that now can. Each is
settled in the commit that lands it, so a replay that is killed, or run twice,
lands it once. Letters that fail again stay.`,
		Example: `  tidemill dead replay
  tidemill dead replay --pipeline events --code unknown_type
  tidemill dead replay 3f2a`,
		Args: atMost(1),
		RunE: func(c *cobra.Command, args []string) error {
			if format != "text" && format != "json" {
				return usagef("--format %q: want text or json", format)
			}
			if len(args) == 1 {
				f.Delivery = args[0]
			}
			return a.deadReplay(c.Context(), f, format)
		},
	}
	filterFlags(c, &f)
	c.Flags().StringVar(&format, "format", "text", "text or json (one object per pipeline)")
	return c
}

func (a *app) deadReplay(ctx context.Context, f land.Filter, format string) error {
	p, wh, err := a.open(ctx)
	if err != nil {
		return err
	}
	if f.Delivery != "" {
		l, err := land.FindLetter(ctx, wh, f.Pipeline, f.Delivery)
		if err != nil {
			return err
		}
		f.Delivery, f.Pipeline = l.Delivery.String(), l.Pipeline
	}
	var names []string
	if f.Pipeline != "" {
		names = append(names, f.Pipeline)
	}
	pipelines, err := pick(p, names)
	if err != nil {
		return err
	}
	var errs []error
	for _, pl := range pipelines {
		s, err := a.replay(ctx, p, wh, pl, f)
		errs = append(errs, err)
		switch {
		case err != nil:
		case format == "json":
			errs = append(errs, a.printJSON(s))
		default:
			fmt.Fprintf(a.stdout, "%s: %s landed, %d already there or still dead\n", s.Pipeline, plural(s.Rows, "dead letter"), s.Duplicates+s.DeadLetters)
		}
	}
	return errors.Join(errs...)
}

func (a *app) replay(ctx context.Context, p *project.Project, wh tidemill.Warehouse, pl project.Pipeline, f land.Filter) (land.Summary, error) {
	f.Pipeline = pl.Name
	cfg, err := a.landConfig(p, wh, pl)
	if err != nil {
		return land.Summary{}, err
	}
	cfg.Retry.Elapsed = patience
	l, err := land.NewReplay(cfg, f)
	if err != nil {
		return land.Summary{}, err
	}
	defer context.AfterFunc(ctx, l.Stop)()
	return l.Run(context.WithoutCancel(ctx))
}

func (a *app) deadDiscardCommand() *cobra.Command {
	var f land.Filter
	var all bool
	c := &cobra.Command{
		Use: "discard [ID]", Short: "Give up dead letters; they stay on record as discarded",
		Example: `  tidemill dead discard 3f2a
  tidemill dead discard --code empty
  tidemill dead discard --all`,
		Args: atMost(1),
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 1 {
				f.Delivery = args[0]
			}
			if (f == land.Filter{}) != all {
				return usagef("name what to discard by ID, --pipeline, --code or --type; or give --all, and nothing else")
			}
			return a.deadDiscard(c.Context(), f)
		},
	}
	filterFlags(c, &f)
	c.Flags().BoolVar(&all, "all", false, "all that are dead")
	return c
}

func (a *app) deadDiscard(ctx context.Context, f land.Filter) error {
	_, wh, err := a.open(ctx)
	if err != nil {
		return err
	}
	if f.Delivery != "" {
		l, err := land.FindLetter(ctx, wh, f.Pipeline, f.Delivery)
		if err != nil {
			return err
		}
		f.Delivery, f.Pipeline = l.Delivery.String(), l.Pipeline
	}
	n, err := land.Discard(ctx, wh, f)
	if err != nil {
		return err
	}
	fmt.Fprintf(a.stdout, "%s discarded\n", plural(n, "dead letter"))
	return nil
}
