package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/tidemill/tidemill/pipeline/land"
)

func (a *app) deadCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "dead",
		Short: "Dead letters: what could not land, and why",
		Long: `A message that cannot land becomes a dead letter, with its bytes, metadata and
the reason, in the transaction of the rows around it. Mend the cause, then
replay: what lands, lands once.`,
		Example: `  tidemill dead list
  tidemill dead show 3f2a
  tidemill dead replay --code unknown_type`,
		Args: a.noSubcommand,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(a.deadListCommand(), a.deadShowCommand(), a.deadReplayCommand(), a.deadDiscardCommand())
	return c
}

func (a *app) noSubcommand(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return fmt.Errorf("unknown command %q", args[0])
}

// filterFlags adds the flags that select dead letters.
func filterFlags(c *cobra.Command, f *land.Filter) {
	c.Flags().StringVar(&f.Pipeline, "pipeline", "", "of this pipeline")
	c.Flags().StringVar((*string)(&f.Code), "code", "", "with this code: malformed, empty, too_large, unknown_type, schema_incompatible")
	c.Flags().StringVar(&f.Type, "type", "", "of this message type")
}

func (a *app) deadListCommand() *cobra.Command {
	var f land.Filter
	var status, format string
	var limit int
	c := &cobra.Command{
		Use: "list", Short: "List dead letters, newest first",
		Example: `  tidemill dead list
  tidemill dead list --code malformed --limit 20
  tidemill dead list --status any --format json`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if format != "text" && format != "json" {
				return usagef("--format %q: want text or json", format)
			}
			if !slices.Contains([]string{"dead", "landed", "discarded", "any"}, status) {
				return usagef("--status %q: want dead, landed, discarded or any", status)
			}
			if limit < 1 {
				return usagef("--limit %d: want 1 or more", limit)
			}
			if status == "any" {
				status = ""
			}
			return a.deadList(c.Context(), f, status, limit, format)
		},
	}
	filterFlags(c, &f)
	c.Flags().StringVar(&status, "status", "dead", "dead, landed, discarded or any")
	c.Flags().IntVar(&limit, "limit", 100, "at most so many")
	c.Flags().StringVar(&format, "format", "text", "text or json (one object per letter)")
	return c
}

func (a *app) deadList(ctx context.Context, f land.Filter, status string, limit int, format string) error {
	_, wh, err := a.open(ctx)
	if err != nil {
		return err
	}
	letters, err := land.Letters(ctx, wh, f, status, limit)
	if err != nil {
		return err
	}
	for _, l := range letters {
		if format == "json" {
			if err := a.printJSON(letterOf(l)); err != nil {
				return err
			}
			continue
		}
		fmt.Fprintf(a.stdout, "%s  %s  %-10s  %-19s  %s/%s  %d bytes\n    %s\n", l.Delivery.String()[:13], l.DeadAt.Format(time.DateTime),
			l.Status, l.Code, l.Message.Source, l.Message.Type, l.Size, l.Reason)
	}
	if format == "text" {
		switch {
		case len(letters) == 0:
			fmt.Fprintln(a.stdout, "no dead letters")
		case len(letters) == limit:
			fmt.Fprintf(a.stderr, "the newest %d are shown; --limit shows more\n", limit)
		}
	}
	return nil
}

func (a *app) deadShowCommand() *cobra.Command {
	var format, output string
	c := &cobra.Command{
		Use: "show ID", Short: "Show a dead letter with its bytes",
		Long: `Show one dead letter: reason, metadata and bytes. ID is its delivery id, or the
beginning of it.`,
		Example: `  tidemill dead show 3f2a
  tidemill dead show 3f2a --output letter.bin`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if format != "text" && format != "json" {
				return usagef("--format %q: want text or json", format)
			}
			return a.deadShow(c.Context(), args[0], format, output)
		},
	}
	c.Flags().StringVar(&format, "format", "text", "text or json")
	c.Flags().StringVarP(&output, "output", "o", "", "write the bytes to this file")
	return c
}

func (a *app) deadShow(ctx context.Context, id, format, output string) error {
	_, wh, err := a.open(ctx)
	if err != nil {
		return err
	}
	l, err := land.FindLetter(ctx, wh, id)
	if err != nil {
		return err
	}
	if output != "" {
		if err := os.WriteFile(output, l.Message.Value, 0o600); err != nil {
			return fmt.Errorf("write the bytes: %w", err)
		}
		fmt.Fprintf(a.stderr, "%d bytes written to %s\n", len(l.Message.Value), output)
	}
	if format == "json" {
		return a.printJSON(letterOf(l))
	}
	a.printLetter(l)
	return nil
}
