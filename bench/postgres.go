package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/jackc/pgx/v5"
)

// benchPostgres lands a table of PostgreSQL in DuckDB by the real binary.
// Beside it the server's binary COPY of the table is read and thrown away by
// one connection, and other programs copy the table into DuckDB.
func benchPostgres(ctx context.Context, b *bench) error {
	n := b.n(2_000_000)
	server, url, err := wideServer(ctx, n, nil)
	if err != nil {
		return err
	}
	defer func() { _ = server.Stop() }() // it has nothing that is of use
	var peak footprint
	turns := []func() (time.Duration, error){
		func() (time.Duration, error) { return timed(func() error { return copyAway(ctx, url, n) }) },
		func() (time.Duration, error) {
			l, err := b.landWide(ctx, url, "{connection: shop, mode: snapshot, tables: [public.wide]}", n)
			peak = peak.greater(l.peak)
			return l.took, err
		},
	}
	peers := b.havePeers()
	if peers {
		turns = append(turns, func() (time.Duration, error) { return b.peer(ctx, "duckdb_copy.py", url, "wide", n) })
	}
	took, err := alternate(b.rounds, turns...)
	if err != nil {
		return err
	}
	b.addCopy(n, "COPY TO STDOUT, binary, thrown away", took[1], n, took[0], ">= 0.7", 0.7)
	b.addWideMemory("postgres", fmt.Sprintf("%d rows", n), peak)
	if !peers {
		return nil
	}
	b.addCopy(n, "DuckDB's own extension", took[1], n, took[2], ">= 0.9", 0.9)
	return b.slowPeers(ctx, url, n, took[1])
}

// slowPeers runs once what takes minutes. dlt gets a tenth of the rows: rates
// are compared, and its own hardly depends on their number.
func (b *bench) slowPeers(ctx context.Context, url string, n int, subject time.Duration) error {
	sling, err := b.peer(ctx, "sling_copy.py", url, "wide", n)
	if err != nil {
		return err
	}
	b.addCopy(n, "sling 1.4.11, once", subject, n, sling, ">= 8", 8)
	tenth := max(n/10, 1)
	if err := execute(ctx, url, "CREATE TABLE tenth (LIKE wide INCLUDING ALL)",
		fmt.Sprintf("INSERT INTO tenth SELECT * FROM wide_rows(1, %d)", tenth), "VACUUM (FREEZE, ANALYZE) tenth"); err != nil {
		return err
	}
	dlt, err := b.peer(ctx, "dlt_copy.py", url, "tenth", tenth)
	if err != nil {
		return err
	}
	b.addCopy(n, fmt.Sprintf("dlt 1.31.0, once, the rate of %d rows", tenth), subject, tenth, dlt, ">= 5", 5)
	return nil
}

// addCopy compares the rate of n rows with that of another's rows.
func (b *bench) addCopy(n int, floor string, subject time.Duration, floorRows int, floorTook time.Duration, need string, least float64) {
	ratio := (float64(n) / subject.Seconds()) / (float64(floorRows) / floorTook.Seconds())
	b.add(figure{
		bench: "postgres", what: fmt.Sprintf("snapshot of %d rows of 12 columns to DuckDB; floor: %s", n, floor),
		subject: rate(n, subject, "rows"), floor: rate(floorRows, floorTook, "rows"), ratio: ratio, need: need, ok: ratio >= least,
	})
}

// copyAway reads all of the table wide in the server's binary format.
func copyAway(ctx context.Context, url string, n int) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }() // all is read, or the run has failed
	tag, err := conn.PgConn().CopyTo(ctx, io.Discard, "COPY wide TO STDOUT (FORMAT binary)")
	if err == nil && tag.RowsAffected() != int64(n) {
		err = fmt.Errorf("copied %d of %d rows", tag.RowsAffected(), n)
	}
	return err
}

// execute runs statements, each for itself.
func execute(ctx context.Context, url string, statements ...string) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }() // what ran is committed
	for _, s := range statements {
		if _, err := conn.Exec(ctx, s); err != nil {
			return fmt.Errorf("%w in %.100s", err, s)
		}
	}
	return nil
}
