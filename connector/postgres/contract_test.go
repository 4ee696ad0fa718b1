package postgres

import (
	"context"
	"testing"
	"time"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/tidetest"
)

// TestSuite holds the source to the contract of all sources: a snapshot in
// chunks, rows by a growing cursor, and rows that are messages.
func TestSuite(t *testing.T) {
	for _, c := range []struct {
		name           string
		opts           Options
		ordered, fixed bool
	}{
		{"snapshot", Options{Tables: []string{"events"}, ChunkRows: 20}, false, true},
		{"incremental", Options{Mode: "incremental", Tables: []string{"events"}, Cursor: "id", Poll: 20 * time.Millisecond}, true, false},
		{"messages", Options{Mode: "incremental", Tables: []string{"events"}, Cursor: "id", Poll: 20 * time.Millisecond, Message: Message{Value: "body", ID: "id"}}, true, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			tidetest.Source(t, func(t testing.TB) tidetest.Origin {
				conn, client := database(t, "create table events (id bigint primary key, body text)")
				return tidetest.Origin{
					Source: func() tidemill.Source { return NewSource(conn, c.opts, testEnv(t)) },
					Put: func(ctx context.Context, ids ...string) error {
						_, err := client.Exec(ctx, "insert into events select id::bigint, '{}' from unnest($1::text[]) id", ids)
						return err
					},
					Positioned: true, Ordered: c.ordered, Fixed: c.fixed, Ends: c.fixed,
					Schedules: 6, Quiet: 150 * time.Millisecond,
					Break: func() error {
						_, err := client.Exec(context.Background(), "select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and datname = current_database()")
						return err
					},
				}
			})
		})
	}
}
