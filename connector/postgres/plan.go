package postgres

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

const (
	leastChunk = 200_000 // rows, where chunk_rows is not set
	mostChunks = 256     // of one table, where chunk_rows is not set
	// sampled is how many rows are looked at for each bound.
	sampled = 50
)

// divide makes the plan of a table, within the transaction of the snapshot.
func (s *server) divide(ctx context.Context, conn *pgx.Conn, t *table, chunkRows int) (plan, error) {
	if len(t.key) == 0 {
		if t.kind != "r" && t.kind != "m" {
			return plan{By: byNone}, nil
		}
		p := plan{By: byPlace, File: t.file}
		return p, s.explain(conn.QueryRow(ctx, "select pg_current_snapshot()::text").Scan(&p.Visible))
	}
	p := plan{By: byKey, Key: t.key}
	size := int64(chunkRows)
	if size == 0 {
		size = max(leastChunk, t.rows/mostChunks)
	}
	n := min((t.rows+size-1)/size, 100_000)
	if n <= 1 || t.kind != "r" && t.kind != "p" && t.kind != "m" {
		return p, nil
	}
	var err error
	p.Bounds, err = s.bounds(ctx, conn, t, n)
	return p, err
}

// bounds takes n-1 keys out of a sample of t that divide it about evenly. Any
// keys would do: they only say which rows are read together.
func (s *server) bounds(ctx context.Context, conn *pgx.Conn, t *table, n int64) ([][]string, error) {
	sample := ""
	if share := 100 * float64(n*sampled) / float64(max(t.rows, 1)); share < 50 {
		// Whole pages are sampled, so that the share holds for large tables.
		sample = fmt.Sprintf(" tablesample system (%g) repeatable (1)", max(share, 0.001))
	}
	names, texts := make([]string, len(t.key)), make([]string, len(t.key))
	for i, k := range t.key {
		names[i], texts[i] = quoted(k), quoted(k)+"::text"
	}
	order := strings.Join(names, ", ")
	// In each of n equal parts of the sample the first key is a bound.
	sql := fmt.Sprintf(`select distinct on (part) array[%s]
from (select %s, ntile(%d) over (order by %s) as part from %s%s) as s order by part, %s`,
		strings.Join(texts, ", "), order, n, order, t.from(), sample, order)
	rows, err := conn.Query(ctx, sql)
	if err != nil {
		return nil, s.explain(err)
	}
	bounds, err := pgx.CollectRows(rows, pgx.RowTo[[]string])
	if err != nil {
		return nil, s.explain(err)
	}
	bounds = slices.CompactFunc(bounds, slices.Equal[[]string])
	if len(bounds) == 0 {
		return nil, nil
	}
	return bounds[1:], nil
}

// unchanged reports whether all rows that are in a table without key now were
// there when its plan was made, in the place in which they are.
func (s *server) unchanged(ctx context.Context, conn *pgx.Conn, t *table, p plan) (bool, error) {
	if p.By != byPlace || p.File != t.file {
		return false, nil
	}
	// A snapshot is xmin:xmax:xip,... as 64-bit ids, of which a row has the
	// lower half.
	parts := strings.SplitN(p.Visible, ":", 3)
	if len(parts) != 3 {
		return false, nil
	}
	running := []string{}
	if parts[2] != "" {
		running = strings.Split(parts[2], ",")
	}
	sql := `select not exists (select from ` + t.from() + ` where xmin::text::int8 >= 3 and (
	age(xmin) <= age(($1::text::numeric % 4294967296)::text::xid)
	or xmin::text = any(select (r::numeric % 4294967296)::text from unnest($2::text[]) r)))`
	var same bool
	err := conn.QueryRow(ctx, sql, parts[1], running).Scan(&same)
	return same, s.explain(err)
}
