package postgres

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/tidetest"
)

// TestSuite holds the source to the contract of all sources, in each mode.
func TestSuite(t *testing.T) {
	const poll = 20 * time.Millisecond
	for name, c := range map[string]struct {
		opts Options
		many int
	}{
		"snapshot":          {Options{Tables: []string{"t"}, ChunkRows: 70}, 500},
		"snapshot, no key":  {Options{Tables: []string{"bare"}}, 500},
		"snapshot messages": {Options{Tables: []string{"t"}, ChunkRows: 70, Message: Message{Value: "body", ID: "id"}}, 500},
		"incremental":       {Options{Mode: modeIncremental, Tables: []string{"t"}, Cursor: "at", Poll: poll}, 200},
		"incremental ids":   {Options{Mode: modeIncremental, Tables: []string{"bare"}, Cursor: "id", Poll: poll}, 200},
		"query":             {Options{Mode: modeIncremental, Query: "select id::text as id, at from t", Cursor: "at", Poll: poll}, 200},
		"messages":          {Options{Mode: modeIncremental, Tables: []string{"t"}, Cursor: "id", Poll: poll, Message: Message{Value: "body", ID: "id"}}, 200},
	} {
		t.Run(name, func(t *testing.T) {
			tidetest.Source(t, func(t testing.TB) tidetest.Origin {
				conn, session := database(t, "create table t (id bigint primary key, at timestamptz default clock_timestamp(), body text default '{}'); create table bare (id bigint)")
				snapshot := c.opts.Mode != modeIncremental
				return tidetest.Origin{
					Source: func() tidemill.Source {
						s := NewSource(conn, c.opts, testEnv(t))
						s.SetBatch(30, 1<<20)
						return s
					},
					Put:        func(ctx context.Context, ids ...string) error { return insert(ctx, session, ids) },
					Positioned: true, Ordered: !snapshot, Ends: snapshot, Fixed: snapshot,
					Many: c.many, Schedules: 3, Quiet: 5 * poll,
					Break: func() error {
						_, err := session.Exec(context.Background(), "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'")
						return err
					},
				}
			})
		})
	}
}

func insert(ctx context.Context, conn *pgx.Conn, ids []string) error {
	list := strings.Join(ids, "), (")
	for _, table := range []string{"t", "bare"} {
		if _, err := conn.Exec(ctx, fmt.Sprintf("insert into %s (id) values (%s)", table, list)); err != nil {
			return err
		}
	}
	return nil
}
