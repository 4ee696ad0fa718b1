// Package postgres proves on the real thing that a mirror of PostgreSQL's
// tables is what the tables are: the binary is killed at random while rows are
// inserted, updated, deleted and truncated on a real server, which is restarted
// meanwhile; afterwards mirror and source are equal row by row, and the history
// tells every state that a row has had.
package postgres

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/tidemill/tidemill/e2e/internal/cli"
	"github.com/tidemill/tidemill/tidetest/postgres"
)

const config = `
name: shop
connections:
  warehouse: {type: duckdb, path: shop.duckdb}
  shop: {type: postgres, url: %q}
pipelines:
  mirror:
    source: {connection: shop, mode: cdc, tables: [public.orders, public.audit], cdc: {create: true, slot: shop_mirror, publication: shop_mirror}}
    land: {table: "mirror.{table}", write: mirror, fold: 300ms, batch: {records: 200, wait: 100ms}}
  history:
    source: {connection: shop, mode: cdc, tables: [public.orders], cdc: {create: true, slot: shop_history, publication: shop_history}}
    land: {table: "history.{table}", write: history, fold: 300ms, batch: {records: 200, wait: 100ms}}
`

// seed is what is there before the first process starts: note is large enough
// to be stored out of line, so that updates leave it out of the stream.
const seed = `
CREATE TABLE orders (id bigint PRIMARY KEY, total numeric(12, 2), note text, tags text[], placed timestamptz, doc jsonb);
ALTER TABLE orders ALTER note SET STORAGE EXTERNAL;
CREATE TABLE audit (id bigint PRIMARY KEY, what text);
INSERT INTO orders SELECT i, i, repeat('n' || i, 3000), ARRAY['a', NULL], now(), '{"a":1}' FROM generate_series(1, 2000) i;
INSERT INTO audit SELECT i, 'seed' FROM generate_series(1, 500) i`

const kills = 10

func TestKilledAtRandom(t *testing.T) {
	server := postgres.Start(t, postgres.Options{Settings: map[string]string{"wal_level": "logical"}})
	url, err := server.Database(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Exec(t.Context(), url, strings.Split(seed, ";\n")...); err != nil {
		t.Fatal(err)
	}
	p := cli.New(t, fmt.Sprintf(config, url))
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	written := make(chan error, 1)
	go func() { written <- work(ctx, url) }()

	rnd := rand.New(rand.NewPCG(1, uint64(time.Now().UnixNano())))
	for i := range kills {
		land := p.Start("land")
		time.Sleep(time.Duration(500+rnd.IntN(2500)) * time.Millisecond)
		if i == kills/2 {
			if err := server.Restart(); err != nil {
				t.Fatal(err)
			}
		}
		land.MustRun()
		land.Kill()
	}
	stop()
	if err := <-written; err != nil {
		t.Fatalf("write: %v\n%s", err, server.LogTail(2000))
	}
	t.Log(p.Must("land", "--once", "--format", "json"))

	for _, table := range []string{"orders", "audit"} {
		same(t, p, url, table)
	}
	if open := p.Value("select count(*) from history.orders where _valid_to is null"); open != p.Value("select count(*) from mirror.orders") {
		t.Errorf("%s rows of the history hold now", open)
	}
	if bad := p.Value(`select count(*) from history.orders a join history.orders b using (id)
		where a._version < b._version and coalesce(a._valid_to, 'infinity') > b._valid_from`); bad != "0" {
		t.Errorf("%s versions overlap a later one", bad)
	}
	if left := p.Value("select count(*) from tidemill.unfolded"); left != "0" {
		t.Errorf("%s batches are not folded", left)
	}
}

// work changes the tables until ctx ends, over restarts of the server.
func work(ctx context.Context, url string) error {
	rnd := rand.New(rand.NewPCG(3, 4))
	next := 10_000
	for ctx.Err() == nil {
		c, err := pgx.Connect(ctx, url)
		if err != nil {
			time.Sleep(100 * time.Millisecond)
			continue
		}
		for ctx.Err() == nil && err == nil {
			err = transaction(ctx, c, rnd, &next)
			time.Sleep(5 * time.Millisecond)
		}
		c.Close(context.WithoutCancel(ctx))
		if err != nil && ctx.Err() == nil && !c.IsClosed() {
			return err
		}
	}
	return nil
}

// transaction does a few things; now and then it takes them back.
func transaction(ctx context.Context, c *pgx.Conn, rnd *rand.Rand, next *int) error {
	tx, err := c.Begin(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }() // after a commit there is none
	for range 1 + rnd.IntN(20) {
		id := 1 + rnd.IntN(*next)
		var sql string
		var args []any
		switch k := rnd.IntN(100); {
		case k < 40:
			*next++
			sql, args = "INSERT INTO orders VALUES ($1, $2, repeat($3, 3000), NULL, now(), NULL) ON CONFLICT DO NOTHING", []any{*next, *next, fmt.Sprint(*next)}
		case k < 75:
			sql, args = "UPDATE orders SET total = total + 1 WHERE id = $1", []any{id} // note stays out of the stream
		case k < 85:
			sql, args = "UPDATE orders SET note = repeat('m', 2500), id = id + 1000000 WHERE id = $1", []any{id}
		case k < 97:
			sql, args = "DELETE FROM orders WHERE id = $1", []any{id}
		case k < 99:
			sql, args = "INSERT INTO audit VALUES ($1, 'work') ON CONFLICT DO NOTHING", []any{id}
		default:
			sql = "TRUNCATE audit"
		}
		if _, err := tx.Exec(ctx, sql, args...); err != nil {
			return err
		}
	}
	if rnd.IntN(10) == 0 {
		return tx.Rollback(ctx)
	}
	return tx.Commit(ctx)
}

// same compares a table with its mirror, row by row.
func same(t *testing.T, p *cli.Project, url, table string) {
	t.Helper()
	columns := map[string]string{
		"orders": "id::text, total::text, md5(note), coalesce(doc::text, '-')", "audit": "id::text, what",
	}[table]
	c, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(t.Context())
	rows, err := c.Query(t.Context(), "SELECT "+columns+" FROM "+table)
	if err != nil {
		t.Fatal(err)
	}
	want, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (string, error) {
		values, err := r.Values()
		return strings.TrimSpace(fmt.Sprintln(values...)), err
	})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range p.Query("SELECT " + columns + " FROM mirror." + table) {
		got = append(got, strings.Join(r, " "))
	}
	slices.Sort(want)
	slices.Sort(got)
	if len(want) == 0 && table == "orders" {
		t.Error("nothing is left to compare")
	}
	if !slices.Equal(want, got) {
		t.Errorf("%s: the source has %d rows, the mirror %d; first difference: %s", table, len(want), len(got), difference(want, got))
	}
}

func difference(want, got []string) string {
	for i := range max(len(want), len(got)) {
		w, g := "nothing", "nothing"
		if i < len(want) {
			w = want[i]
		}
		if i < len(got) {
			g = got[i]
		}
		if w != g {
			return fmt.Sprintf("%q, the mirror has %q", w, g)
		}
	}
	return "none"
}
