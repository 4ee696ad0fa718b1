package postgres

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/jackc/pgx/v5"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/connector/postgres/column"
	"github.com/tidemill/tidemill/internal/ident"
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

// scan is one chunk: what of a table is read in one COPY.
type scan struct {
	table *table
	plan  plan
	chunk int
	at    progress
}

// position says what of a select list tells where a row stands: columns of
// the table if the Arrow values of all of them print as the server's text,
// else hidden ones.
type position struct {
	visible []int
	hidden  []string // expressions
}

func (sc *scan) position() position {
	var p position
	switch sc.plan.By {
	case byPlace:
		return position{hidden: []string{"ctid::text"}}
	case byKey:
		for _, k := range sc.plan.Key {
			i := slices.IndexFunc(sc.table.columns, func(c column.Column) bool { return c.Name == k && c.Plain() })
			p.visible = append(p.visible, i)
			p.hidden = append(p.hidden, quoted(k)+"::text")
		}
		if slices.Contains(p.visible, -1) {
			p.visible = nil
		} else {
			p.hidden = nil
		}
	}
	return p
}

// after returns where the last row stands: of rec, or the hidden values. It
// returns nil where neither tells.
func (p position) after(rec arrow.RecordBatch, hidden [][]byte) []string {
	var at []string
	for _, i := range p.visible {
		if rec.NumRows() == 0 {
			return nil
		}
		at = append(at, rec.Column(i).ValueStr(int(rec.NumRows())-1))
	}
	for _, v := range hidden {
		at = append(at, string(v))
	}
	return at
}

// sql returns the statement that copies what is left of the chunk, in an
// order in which it can go on after any row.
func (sc *scan) sql(pos position) (string, error) {
	var list, where, order []string
	for _, c := range sc.table.columns {
		list = append(list, c.Select(quoted(c.Name)))
	}
	list = append(list, pos.hidden...)
	switch sc.plan.By {
	case byPlace:
		if len(sc.at.After) == 1 {
			at, err := literal(sc.at.After[0])
			if err != nil {
				return "", err
			}
			where = append(where, "ctid > "+at+"::tid")
		}
		// A scan of a table, or of a range of it, comes in this order; to ask
		// for it would sort the table.
	case byKey:
		var err error
		if where, err = sc.within(); err != nil {
			return "", err
		}
		for _, k := range sc.plan.Key {
			order = append(order, "q."+quoted(k)) // not what the select list has of that name
		}
	}
	sql := "select " + strings.Join(list, ", ") + " from " + sc.table.from()
	if len(where) > 0 {
		sql += " where " + strings.Join(where, " and ")
	}
	if len(order) > 0 {
		sql += " order by " + strings.Join(order, ", ")
	}
	return "copy (" + sql + ") to stdout (format binary)", nil
}

// within returns the conditions on the key.
func (sc *scan) within() ([]string, error) {
	var where []string
	add := func(operator string, values []string) error {
		key, bound := make([]string, len(sc.plan.Key)), make([]string, len(values))
		if len(key) != len(bound) {
			return fmt.Errorf("position of %s: it has %d values, the key %d columns", sc.table.name, len(bound), len(key))
		}
		for i, v := range values {
			text, err := literal(v)
			if err != nil {
				return err
			}
			// The literal takes the column's type.
			key[i], bound[i] = quoted(sc.plan.Key[i]), text
		}
		where = append(where, "("+strings.Join(key, ", ")+") "+operator+" ("+strings.Join(bound, ", ")+")")
		return nil
	}
	if len(sc.at.After) > 0 {
		if err := add(">", sc.at.After); err != nil {
			return nil, err
		}
	} else if sc.chunk > 0 {
		if err := add(">=", sc.plan.Bounds[sc.chunk-1]); err != nil {
			return nil, err
		}
	}
	if sc.chunk < len(sc.plan.Bounds) {
		if err := add("<", sc.plan.Bounds[sc.chunk]); err != nil {
			return nil, err
		}
	}
	return where, nil
}

// literal returns text as a literal. Keys cannot hold what has no literal,
// but in databases of SQL_ASCII.
func literal(text string) (string, error) {
	return ident.Literal(tidemill.Postgres, text)
}
