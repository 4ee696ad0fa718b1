package replica_test

import (
	"context"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/tidemill/tidemill/connector/postgres/replica"
)

// benchRows is how many rows of twelve columns are read.
const benchRows = 400_000

// benchTable holds the rows in one transaction of 10,000 each.
func benchTable(b *testing.B) (*database, replica.Config) {
	d := create(b, `create table t (id bigint primary key, a int, b int, c bigint, x float8, n numeric(12,2), s text, u uuid, at timestamptz, d date, ok bool, note text)`)
	c := d.config()
	c.Options.Snapshot = "never"
	d.follow(newLedger(b), c)
	for i := 0; i < benchRows; i += 10_000 {
		d.exec(`insert into t select g, g % 1000, g % 77, g * 31, g / 7.0, (g % 100000) / 100.0, 'customer ' || g, gen_random_uuid(), now(), '2026-01-01'::date + (g % 300)::int, g % 2 = 0, null
			from generate_series(` + strconv.Itoa(i) + `, ` + strconv.Itoa(i+9999) + `) g`)
	}
	return d, c
}

// BenchmarkReplica reads changes into records that are dropped, and tells how
// long pg_recvlogical takes to drop the same stream.
func BenchmarkReplica(b *testing.B) {
	d, c := benchTable(b)
	b.ResetTimer()
	var ours, floor time.Duration
	for b.Loop() {
		floor += recvlogical(b, d, c)
		l := newLedger(b)
		start := time.Now()
		s := d.source(l, c)
		s.SetBatch(10_000, 16<<20)
		if err := s.Drain(context.Background()); err != nil {
			b.Fatal(err)
		}
		for {
			batch, err := s.Read(context.Background())
			if err != nil {
				break
			}
			drop(batch) // never acknowledged: the next run reads the same
		}
		ours += time.Since(start)
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
		waitIdle(d, c.Slot)
	}
	n := float64(b.N)
	b.ReportMetric(benchRows*n/ours.Seconds(), "rows/s")
	b.ReportMetric(benchRows*n/floor.Seconds(), "recvlogical_rows/s")
	b.ReportMetric(floor.Seconds()/ours.Seconds(), "of_recvlogical")
}

// recvlogical reads the slot with PostgreSQL's own client, which drops what
// comes. It never confirms, because it is ended by the LSN.
func recvlogical(b *testing.B, d *database, c replica.Config) time.Duration {
	b.Helper()
	end := d.one("select pg_current_wal_lsn()::text")
	copied := "bench_copy"
	d.exec("select pg_copy_logical_replication_slot('" + c.Slot + "', '" + copied + "')")
	defer d.dropSlot(copied)
	start := time.Now()
	cmd := exec.Command("pg_recvlogical", "-d", d.url, "--slot", copied, "--start", "-f", "/dev/null", "--no-loop", "--endpos", end,
		"-o", "proto_version=3", "-o", "publication_names="+c.Slot, "-o", "binary=true", "-o", "streaming=on", "-o", "messages=true")
	if out, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	return time.Since(start)
}

func waitIdle(d *database, slot string) {
	for d.one("select active::text from pg_replication_slots where slot_name = $1", slot) == "true" {
		time.Sleep(10 * time.Millisecond)
	}
}
