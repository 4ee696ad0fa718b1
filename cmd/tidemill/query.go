package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/internal/tabular"
)

type queryFlags struct {
	format string
	file   string
	output string
	watch  time.Duration
}

func (a *app) queryCommand() *cobra.Command {
	var f queryFlags
	c := &cobra.Command{
		Use:   "query SQL",
		Short: "Run SQL in the warehouse of the target",
		Long: `Run one SQL statement in the warehouse of the target and print its result.
It works while land or build runs: they share the database through a socket.`,
		Example: `  tidemill query 'select type, count(*) from raw.events group by all'
  tidemill query --format parquet -o orders.parquet 'from marts.fct_orders'
  tidemill query --file queries/top_cards.sql
  tidemill query --watch 1s 'select count(*) from raw.events'`,
		Args: atMost(1),
		RunE: func(c *cobra.Command, args []string) error { return a.query(c.Context(), f, args) },
	}
	c.Flags().StringVar(&f.format, "format", "table", "table, csv, json, ndjson, parquet or arrow")
	c.Flags().StringVarP(&f.file, "file", "f", "", "read the SQL from this file (- is standard input)")
	c.Flags().StringVarP(&f.output, "output", "o", "", "write the result to this file")
	c.Flags().DurationVar(&f.watch, "watch", 0, "repeat the query at this interval until stopped")
	return c
}

func (a *app) query(ctx context.Context, f queryFlags, args []string) error {
	format, err := tabular.Parse(f.format)
	if err != nil {
		return usageError{err}
	}
	if f.watch < 0 || f.watch > 0 && (f.output != "" || format == tabular.Parquet || format == tabular.Arrow) {
		return usagef("--watch takes an interval above zero, and prints text: it goes with neither --output nor a binary format")
	}
	if (format == tabular.Parquet || format == tabular.Arrow) && f.output == "" && terminal(a.stdout) {
		return usagef("--format %s is binary: name a file with --output, or redirect standard output", format)
	}
	sql, err := a.sqlText(f.file, args)
	if err != nil {
		return err
	}
	if strings.TrimSpace(sql) == "" {
		return usagef("the query is empty")
	}
	p, err := a.loadProject()
	if err != nil {
		return err
	}
	wh, err := a.openWarehouse(ctx, p)
	if err != nil {
		return err
	}
	s, err := wh.Session(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	if f.watch > 0 {
		return a.watch(ctx, s, sql, format, f.watch)
	}
	return a.queryOnce(ctx, s, sql, format, f.output)
}

// sqlText returns the statement from the argument, a file or standard input.
func (a *app) sqlText(file string, args []string) (string, error) {
	if (file != "") == (len(args) == 1) {
		return "", usagef("query wants SQL as its argument or --file, and not both")
	}
	if len(args) == 1 && args[0] != "-" {
		return args[0], nil
	}
	if file == "-" || file == "" {
		b, err := io.ReadAll(a.stdin)
		return string(b), err
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("read query: %w", err)
	}
	return string(b), nil
}

func (a *app) queryOnce(ctx context.Context, s tidemill.Session, sql string, format tabular.Format, output string) error {
	r, err := s.Query(ctx, sql)
	if err != nil {
		return err
	}
	defer r.Release()
	if output == "" {
		_, err = tabular.Write(a.stdout, format, r)
		return err
	}
	file, err := os.Create(output)
	if err != nil {
		return fmt.Errorf("write result: %w", err)
	}
	rows, err := tabular.Write(file, format, r)
	if closed := file.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(a.stderr, "%s written to %s\n", plural(rows, "row"), output)
	return nil
}

// watch repeats the query until ctx ends: redrawn on a terminal, one result
// after the other elsewhere.
func (a *app) watch(ctx context.Context, s tidemill.Session, sql string, format tabular.Format, every time.Duration) error {
	a.idle.Store(true)
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		var out bytes.Buffer
		r, err := s.Query(ctx, sql)
		if err == nil {
			_, err = tabular.Write(&out, format, r)
			r.Release()
		}
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		if terminal(a.stdout) {
			fmt.Fprintf(a.stdout, "\x1b[H\x1b[2Jevery %s: %s  (%s)\n\n", every, strings.TrimSpace(sql), time.Now().Format(time.TimeOnly))
		}
		if _, err := out.WriteTo(a.stdout); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}
