package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/pipeline/land"
	"github.com/tidemill/tidemill/project"
)

// mostPeeked bounds what is held of a look, which may be large messages.
const mostPeeked = 1000

func (a *app) peekCommand() *cobra.Command {
	var pipeline, format string
	var limit int
	c := &cobra.Command{
		Use:   "peek CONNECTION",
		Short: "Show what waits in a source, without consuming it",
		Long: `Show the messages or rows that a pipeline would read next from a connection,
decoded as it would decode them, and the reasons of those that would become
dead letters. Nothing is landed, acknowledged or declared, and no position
moves. Fields under drop, hash and mask are protected, as they are in tables.

A message of a queue cannot be looked at without a delivery: it goes back to
its place, and is marked as redelivered when it is read. On a queue with a
delivery limit each look counts as one delivery.`,
		Example: `  tidemill peek events
  tidemill peek events --pipeline orders --limit 3
  tidemill peek events --format ndjson`,
		Args: exactly("the name of a CONNECTION"),
		RunE: func(c *cobra.Command, args []string) error {
			if !slices.Contains([]string{"table", "json", "ndjson"}, format) {
				return usagef("--format %q: want table, json or ndjson", format)
			}
			if limit < 1 || limit > mostPeeked {
				return usagef("--limit %d: want 1 to %d", limit, mostPeeked)
			}
			return a.peek(c.Context(), args[0], pipeline, limit, format)
		},
	}
	c.Flags().StringVar(&pipeline, "pipeline", "", "as this pipeline reads it, where several do")
	c.Flags().IntVar(&limit, "limit", 10, "at most so many")
	c.Flags().StringVar(&format, "format", "table", "table (values cut), json (one array) or ndjson, both whole")
	return c
}

func (a *app) peek(ctx context.Context, connection, pipeline string, limit int, format string) error {
	p, err := a.loadProject()
	if err != nil {
		return err
	}
	pl, err := reader(p, connection, pipeline)
	if err != nil {
		return err
	}
	if o, ok := pl.Source.Options.(interface{ CanPeek() error }); ok {
		if err := o.CanPeek(); err != nil {
			return err
		}
	}
	cfg, err := a.landConfig(p, nil, pl)
	if err != nil {
		return err
	}
	if cfg.Source, err = a.openSource(p, pl); err != nil {
		return err
	}
	if limited, ok := cfg.Source.(interface{ MaxMessage() int }); ok {
		cfg.MaxMessage = limited.MaxMessage()
	}
	if _, ok := cfg.Source.(tidemill.Peeker); !ok { // else the far side knows what was read
		if cfg.Warehouse, err = a.openWarehouse(ctx, p); err != nil {
			return err
		}
	}
	found, err := land.Peek(ctx, cfg, limit)
	if err != nil {
		return err
	}
	return a.printWaiting(found, limit, format)
}

// reader returns the pipeline as which a connection is looked at: the named
// one, or the only one.
func reader(p *project.Project, connection, pipeline string) (project.Pipeline, error) {
	fail := func(code tidemill.Code, hint, format string, args ...any) (project.Pipeline, error) {
		return project.Pipeline{}, &tidemill.Error{Code: code, Op: "peek " + connection, Err: fmt.Errorf(format, args...), Hint: hint}
	}
	if p.Connection(connection) == nil {
		var names []string
		for _, c := range p.Connections {
			names = append(names, c.Name)
		}
		return fail(tidemill.NotFound, "name one of "+strings.Join(names, ", "), "target %s has no such connection", p.Target)
	}
	all := readers(p, connection)
	var names []string
	for _, pl := range all {
		if pl.Name == pipeline {
			return pl, nil
		}
		names = append(names, pl.Name)
	}
	switch {
	case len(all) == 0:
		return fail(tidemill.Invalid, "add a pipeline whose source is this connection: it says what to read and how to decode it", "no pipeline reads it")
	case pipeline != "":
		return fail(tidemill.NotFound, "name one of "+strings.Join(names, ", "), "no pipeline %q reads it", pipeline)
	case len(all) > 1:
		return fail(tidemill.Invalid, "name one with --pipeline", "%s read it", strings.Join(names, " and "))
	}
	return all[0], nil
}
