package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/examples/cards/gen"
	"github.com/tidemill/tidemill/internal/redact"
)

// createEvents makes the table of the old system: what came from where, of
// which type, as JSON.
const createEvents = `CREATE TABLE IF NOT EXISTS events (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  source text NOT NULL,
  type text NOT NULL,
  payload jsonb NOT NULL,
  created_at timestamptz NOT NULL
)`

// backfillToPostgres writes the backfill of o into the table events, which
// must hold nothing.
func backfillToPostgres(ctx context.Context, address string, o gen.Options) (gen.BackfillSummary, error) {
	b, err := gen.NewBackfill(o)
	if err != nil {
		return gen.BackfillSummary{}, err
	}
	err = withPostgres(ctx, address, func(c *pgx.Conn) error {
		var rows int64
		if err := c.QueryRow(ctx, "SELECT count(*) FROM events").Scan(&rows); err != nil {
			return err
		}
		if rows > 0 {
			return &tidemill.Error{
				Code: tidemill.Invalid, Err: fmt.Errorf("table events has %d rows already", rows),
				Hint: "drop the table, or add events to it with -live",
			}
		}
		return copyEvents(ctx, c, b.All())
	})
	return b.Summary(), err
}

// streamToPostgres appends the stream's valid events to the table, each once,
// as a service that writes to its database would.
func streamToPostgres(ctx context.Context, address string, g *gen.Generator) error {
	return withPostgres(ctx, address, func(c *pgx.Conn) error { return copyEvents(ctx, c, g.All()) })
}

// dropEvents removes the table, and the slot and publication of target
// postgres.
func dropEvents(ctx context.Context, address string) error {
	return withPostgres(ctx, address, func(c *pgx.Conn) error {
		for _, sql := range []string{
			"SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = 'tidemill_cards'",
			"DROP PUBLICATION IF EXISTS tidemill_cards",
			"DROP TABLE IF EXISTS events",
		} {
			if _, err := c.Exec(ctx, sql); err != nil {
				return err
			}
		}
		return nil
	})
}

func withPostgres(ctx context.Context, address string, do func(*pgx.Conn) error) error {
	c, err := pgx.Connect(ctx, address)
	if err != nil {
		return &tidemill.Error{
			Code: tidemill.Unavailable, Op: "connect to PostgreSQL", Err: errors.New(redact.Text(err.Error())),
			Hint: "give -postgres a URL such as postgres://user:password@127.0.0.1:5432/cards",
		}
	}
	defer func() { _ = c.Close(context.WithoutCancel(ctx)) }() // each statement has been committed
	if _, err := c.Exec(ctx, createEvents); err != nil {
		return fmt.Errorf("create table events: %w", err)
	}
	if err := do(c); err != nil {
		return fmt.Errorf("write table events: %w", err)
	}
	return nil
}

// rowsACopy is how many rows one COPY sends: what is written is seen, by those
// who follow the table, a part at a time.
const rowsACopy = 1000

func copyEvents(ctx context.Context, c *pgx.Conn, events iter.Seq[gen.Event]) error {
	var rows [][]any
	flush := func() error {
		_, err := c.CopyFrom(ctx, pgx.Identifier{"events"}, []string{"source", "type", "payload", "created_at"}, pgx.CopyFromRows(rows))
		rows = rows[:0]
		return err
	}
	for e := range events {
		payload, ok := e.AppendJSON(nil)
		if !ok || e.Repeat {
			continue
		}
		rows = append(rows, []any{e.Queue, e.Type, payload, e.Time.Truncate(time.Microsecond)})
		if len(rows) == rowsACopy {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	return flush()
}
