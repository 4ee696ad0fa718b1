package postgres

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/tidemill/tidemill/internal/redact"
)

var benchRows = flag.Int("bench-rows", 200_000, "rows of the table of benchmarks")

// wide is a table of twelve columns of mixed types.
const wide = `create table wide (id bigint primary key, account int, active boolean, amount numeric(12,2), rate double precision,
	name text, note varchar(40), at timestamptz, day date, ref uuid, payload jsonb, tags text[])`

const fillWide = `insert into wide select i, i %% 1000, i %% 3 = 0, (i %% 1000000) / 100.0, sqrt(i), 'name ' || i, case when i %% 5 > 0 then 'note ' || i %% 100 end,
	timestamptz '2024-01-01' + i * interval '1 second', date '2024-01-01' + i %% 1000, md5(i::text)::uuid,
	jsonb_build_object('k', i, 'v', 'x'), array['a', 'b' || i %% 10] from generate_series(1, %d) i`

type discard int64

func (d *discard) Write(p []byte) (int, error) {
	*d += discard(len(p))
	return len(p), nil
}

// BenchmarkSnapshot compares reading a table into Arrow with a bare binary
// COPY of it.
func BenchmarkSnapshot(b *testing.B) {
	ctx := context.Background()
	url, err := shared.Database(ctx)
	if err != nil {
		b.Fatal(err)
	}
	if err := shared.Exec(ctx, url, wide, fmt.Sprintf(fillWide, *benchRows), "vacuum analyze wide"); err != nil {
		b.Fatal(err)
	}
	c := Connection{URL: redact.New(url)}
	report := func(b *testing.B, bytes int64, start time.Time) {
		b.SetBytes(bytes)
		b.ReportMetric(float64(*benchRows)*float64(b.N)/time.Since(start).Seconds(), "rows/s")
	}
	for name, sql := range map[string]string{"copy": "copy wide to stdout (format binary)", "ordered": "copy (select * from wide order by id) to stdout (format binary)"} {
		b.Run(name, func(b *testing.B) {
			conn, err := c.Connect(ctx, testEnv(b))
			if err != nil {
				b.Fatal(err)
			}
			defer closeConn(conn)
			start := time.Now()
			var d discard
			for b.Loop() {
				d = 0
				if _, err := conn.PgConn().CopyTo(ctx, &d, sql); err != nil {
					b.Fatal(err)
				}
			}
			report(b, int64(d), start)
		})
	}
	for _, workers := range []int{1, 2} {
		b.Run(fmt.Sprintf("snapshot/%d", workers), func(b *testing.B) {
			start := time.Now()
			for b.Loop() {
				s := NewSource(c, Options{Tables: []string{"wide"}, Workers: workers}, testEnv(b))
				if err := s.Open(ctx, nil); err != nil {
					b.Fatal(err)
				}
				rows := int64(0)
				for {
					batch, err := s.Read(ctx)
					if errors.Is(err, io.EOF) {
						break
					}
					if err != nil {
						b.Fatal(err)
					}
					for _, p := range batch.Parts {
						rows += p.Records.NumRows()
					}
					release(batch)
				}
				if rows != int64(*benchRows) {
					b.Fatalf("%d rows", rows)
				}
				if err := s.Close(); err != nil {
					b.Fatal(err)
				}
			}
			report(b, 0, start)
		})
	}
}
