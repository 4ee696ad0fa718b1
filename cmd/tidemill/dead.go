package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tidemill/tidemill"
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
	c.Flags().Var((*codeFlag)(&f.Code), "code", "with this code: "+deadCodes)
	c.Flags().StringVar(&f.Type, "type", "", "of this message type")
}

// deadCodes are the codes of dead letters, as help and errors list them.
const deadCodes = "malformed, empty, too_large, unknown_type, schema_incompatible"

// codeFlag takes only codes that a dead letter can have.
type codeFlag tidemill.Code

func (c *codeFlag) Type() string   { return "string" }
func (c *codeFlag) String() string { return string(*c) }

func (c *codeFlag) Set(s string) error {
	if !slices.Contains(strings.Split(deadCodes, ", "), s) {
		return fmt.Errorf("want one of %s", deadCodes)
	}
	*c = codeFlag(s)
	return nil
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
		Args: atMost(0),
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
	if format == "json" {
		for _, l := range letters {
			if err := a.printJSON(letterOf(l)); err != nil {
				return err
			}
		}
		return nil
	}
	a.printLetters(letters)
	switch {
	case len(letters) == 0:
		fmt.Fprintln(a.stdout, "no dead letters")
	case len(letters) == limit:
		fmt.Fprintf(a.stderr, "the newest %d are shown; --limit shows more\n", limit)
	}
	return nil
}

func (a *app) deadShowCommand() *cobra.Command {
	var format, output, pipeline string
	c := &cobra.Command{
		Use: "show ID", Short: "Show a dead letter with its bytes",
		Long: `Show one dead letter: reason, metadata and bytes. ID is its delivery id, or the
beginning of it.`,
		Example: `  tidemill dead show 3f2a
  tidemill dead show 3f2a --output letter.bin`,
		Args: exactly("the ID of a dead letter"),
		RunE: func(c *cobra.Command, args []string) error {
			if format != "text" && format != "json" {
				return usagef("--format %q: want text or json", format)
			}
			return a.deadShow(c.Context(), pipeline, args[0], format, output)
		},
	}
	c.Flags().StringVar(&pipeline, "pipeline", "", "of this pipeline, where two have it")
	c.Flags().StringVar(&format, "format", "text", "text or json")
	c.Flags().StringVarP(&output, "output", "o", "", "write the bytes to this file")
	return c
}

func (a *app) deadShow(ctx context.Context, pipeline, id, format, output string) error {
	_, wh, err := a.open(ctx)
	if err != nil {
		return err
	}
	l, err := land.FindLetter(ctx, wh, pipeline, id)
	if err != nil {
		return err
	}
	if output != "" {
		if err := os.WriteFile(output, l.Message.Value, 0o600); err != nil {
			return fmt.Errorf("write the bytes: %w", err)
		}
		fmt.Fprintf(a.stderr, "%s written to %s\n", plural(len(l.Message.Value), "byte"), output)
	}
	if format == "json" {
		return a.printJSON(letterOf(l))
	}
	a.printLetter(l)
	return nil
}
