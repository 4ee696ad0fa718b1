package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/tidemill/tidemill/tidetest/postgres"
)

// wideSchema is a table of twelve columns as applications have them, and a
// function that makes its rows: about 200 bytes each, the same ones in every
// run.
const wideSchema = `
CREATE TABLE wide (
	id bigint PRIMARY KEY, quantity int, amount numeric(18, 2), weight double precision, paid boolean, placed timestamptz,
	digest text, state text, token uuid, due date, doc jsonb, kind smallint
);
CREATE FUNCTION wide_rows(first bigint, last bigint) RETURNS SETOF wide LANGUAGE sql AS $$
	SELECT i, (i % 1000)::int, (i * 7919 % 100000000) / 100.0, sqrt(i), i % 3 = 0,
		timestamptz '2024-01-01 00:00:00.000123Z' + i * interval '1.7 seconds',
		md5(i::text), (ARRAY['open', 'paid', 'sent', 'returned'])[1 + i % 4], md5('u' || i)::uuid, date '2024-01-01' + (i % 700)::int,
		jsonb_build_object('n', i, 'tags', jsonb_build_array('a', 'b'), 'note', 'row ' || i), (i % 100)::smallint
	FROM generate_series(first, last) i
$$`

// wideServer starts PostgreSQL with the table wide, of n rows, in a database
// whose URL it returns. What a first reader would have to do for the others,
// such as the hints of rows, is done.
func wideServer(ctx context.Context, n int, settings map[string]string) (*postgres.Server, string, error) {
	server, err := postgres.Run(postgres.Options{Settings: settings})
	if err != nil {
		return nil, "", err
	}
	url, err := server.Database(ctx)
	if err == nil {
		err = server.Exec(ctx, url, wideSchema,
			fmt.Sprintf("INSERT INTO wide SELECT * FROM wide_rows(1, %d)", n), "VACUUM (FREEZE, ANALYZE) wide", "CHECKPOINT")
	}
	if err != nil {
		_ = server.Stop() // it has nothing that is of use
		return nil, "", err
	}
	return server, url, nil
}

// landing is what landing by the binary took.
type landing struct {
	took time.Duration
	peak footprint
}

// landWide lands n rows of the table wide by the real binary into a new
// database, from its start to its end, with the given source of the
// connection shop at url.
func (b *bench) landWide(ctx context.Context, url, source string, n int) (l landing, err error) {
	dir, err := b.fresh()
	if err != nil {
		return l, err
	}
	defer os.RemoveAll(dir)
	config := fmt.Sprintf(`
name: wide
connections:
  warehouse: {type: duckdb, path: wide.duckdb}
  shop: {type: postgres, url: %q}
pipelines:
  wide:
    source: %s
    land: {table: "raw.{table}"}
`, url, source)
	if err := os.WriteFile(filepath.Join(dir, "tidemill.yml"), []byte(config), 0o644); err != nil {
		return l, err
	}
	var out string
	l.took, err = timed(func() (err error) {
		out, l.peak, err = b.watched(ctx, dir, "land", "--once", "--format", "json")
		return err
	})
	if err != nil {
		return l, err
	}
	var figures struct {
		Rows int `json:"rows"`
	}
	if err := json.Unmarshal([]byte(out), &figures); err != nil {
		return l, fmt.Errorf("read the figures of tidemill land: %w", err)
	}
	if figures.Rows != n {
		return l, fmt.Errorf("landed %d of %d rows", figures.Rows, n)
	}
	return l, nil
}

// wideMemoryLimit is what a process that lands from PostgreSQL may hold.
const wideMemoryLimit = 300 << 20

// addWideMemory reports the peak of landing.
func (b *bench) addWideMemory(bench, what string, peak footprint) {
	b.add(figure{
		bench: bench, what: fmt.Sprintf("memory, %s (%d MiB with pages of the program file)", what, peak.all>>20),
		subject: fmt.Sprintf("%d MiB", peak.own>>20), need: "<= 300 MiB", ok: peak.own <= wideMemoryLimit,
	})
}

// greater returns the most of each figure.
func (f footprint) greater(g footprint) footprint {
	return footprint{own: max(f.own, g.own), all: max(f.all, g.all)}
}
