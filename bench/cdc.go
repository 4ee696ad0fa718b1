package main

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	// cdcTransaction is how many rows a transaction changes: it inserts 50,
	// updates 40 and deletes 10.
	cdcTransaction = 100

	publication = "wide"
)

// cdcSchema makes the procedure that writes transactions. Before it the table
// has 50 rows for each of them.
const cdcSchema = `
CREATE PUBLICATION wide FOR TABLE wide;
CREATE PROCEDURE change(transactions bigint) LANGUAGE plpgsql AS $$
BEGIN
	FOR t IN 0..transactions - 1 LOOP
		INSERT INTO wide SELECT * FROM wide_rows((transactions + t) * 50 + 1, (transactions + t) * 50 + 50);
		UPDATE wide SET amount = amount + 1, state = 'returned' WHERE id BETWEEN t * 40 + 1 AND t * 40 + 40;
		DELETE FROM wide WHERE id BETWEEN transactions * 40 + t * 10 + 1 AND transactions * 40 + t * 10 + 10;
		COMMIT;
	END LOOP;
END
$$`

// benchCDC lands changes of a table by the real binary, and reads the same
// ones by pg_recvlogical into nothing. Each turn has a slot of its own, all
// made before the first change, so that all of them read the same.
func benchCDC(ctx context.Context, b *bench) error {
	program, err := recvlogical()
	if err != nil {
		return err
	}
	transactions := b.n(500_000) / cdcTransaction
	n := transactions * cdcTransaction
	server, url, err := wideServer(ctx, transactions*50, map[string]string{
		"wal_level": "logical", "max_replication_slots": strconv.Itoa(2*b.rounds + 1), "max_wal_senders": "10", "max_wal_size": "8GB",
	})
	if err != nil {
		return err
	}
	defer func() { _ = server.Stop() }() // it has nothing that is of use
	end, err := change(ctx, url, transactions, 2*b.rounds)
	if err != nil {
		return err
	}
	slot := 0
	next := func() string {
		slot++
		return slotName(slot)
	}
	var peak footprint
	took, err := alternate(b.rounds,
		func() (time.Duration, error) {
			return timed(func() error { return receiveAway(ctx, program, url, next(), end) })
		},
		func() (time.Duration, error) {
			l, err := b.landWide(ctx, url, fmt.Sprintf(
				"{connection: shop, mode: cdc, tables: [public.wide], cdc: {slot: %s, publication: %s, snapshot: never}}", next(), publication), n)
			peak = peak.greater(l.peak)
			return l.took, err
		})
	if err != nil {
		return err
	}
	ratio := took[0].Seconds() / took[1].Seconds()
	b.add(figure{
		bench: "cdc", what: fmt.Sprintf("%d changes of 12 columns, in transactions of %d, to DuckDB; floor: pg_recvlogical, thrown away", n, cdcTransaction),
		subject: rate(n, took[1], "changes"), floor: rate(n, took[0], "changes"), ratio: ratio, need: ">= 0.5", ok: ratio >= 0.5,
	})
	b.addWideMemory("cdc", fmt.Sprintf("%d changes", n), peak)
	return nil
}

func slotName(i int) string { return "bench_" + strconv.Itoa(i) }

// change makes slots, writes the transactions and returns where the log ends
// behind them.
func change(ctx context.Context, url string, transactions, slots int) (string, error) {
	if err := execute(ctx, url, cdcSchema); err != nil {
		return "", err
	}
	for i := range slots {
		if err := execute(ctx, url, fmt.Sprintf("SELECT pg_create_logical_replication_slot('%s', 'pgoutput')", slotName(i+1))); err != nil {
			return "", err
		}
	}
	if err := execute(ctx, url, fmt.Sprintf("CALL change(%d)", transactions), "CHECKPOINT"); err != nil {
		return "", err
	}
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return "", err
	}
	defer func() { _ = conn.Close(ctx) }() // it has asked
	var end string
	err = conn.QueryRow(ctx, "SELECT pg_current_wal_flush_lsn()::text").Scan(&end)
	return end, err
}

// receiveAway reads a slot up to a place in the log.
func receiveAway(ctx context.Context, program, url, slot, end string) error {
	var stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, program, "-d", url, "-S", slot, "--start", "--no-loop", "-f", "/dev/null",
		"--endpos", end, "-o", "proto_version=1", "-o", "publication_names="+publication)
	cmd.Stderr = &stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("pg_recvlogical: %w\n%s", err, stderr.String())
	}
	return nil
}

// recvlogical finds the client of replication: Debian keeps it out of the
// path, a folder for each version.
func recvlogical() (string, error) {
	const name = "pg_recvlogical"
	if path, err := exec.LookPath(name); err == nil {
		return path, nil
	}
	places, err := filepath.Glob(filepath.Join("/usr/lib/postgresql/*/bin", name))
	if err == nil && len(places) == 0 {
		err = fmt.Errorf("%s is not installed: scripts/install-services does it", name)
	}
	if err != nil {
		return "", err
	}
	return places[len(places)-1], nil
}
