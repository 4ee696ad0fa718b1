package postgres

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"testing"

	"github.com/jackc/pgx/v5"
	"go.uber.org/goleak"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/internal/redact"
	pgserver "github.com/tidemill/tidemill/tidetest/postgres"
)

// shared is the server of the tests that do not stop theirs.
var shared *pgserver.Server

func TestMain(m *testing.M) {
	os.Exit(runTests(m))
}

func runTests(m *testing.M) int {
	var err error
	shared, err = pgserver.Run(pgserver.Options{TLS: true, Settings: map[string]string{"wal_level": "logical"}})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = shared.Stop() }() // the temporary folder is all that may stay
	code := m.Run()
	if err := goleak.Find(goleak.IgnoreAnyFunction("github.com/tidemill/tidemill/tidetest/postgres.(*Server).launch.func2")); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

func testEnv(t testing.TB) tidemill.Env {
	return tidemill.Env{Dir: t.TempDir(), Log: slog.New(slog.NewTextHandler(t.Output(), nil))}
}

// database returns a connection's settings and a session on a new database.
func database(t testing.TB, statements ...string) (Connection, *pgx.Conn) {
	t.Helper()
	ctx := context.Background()
	url, err := shared.Database(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := shared.Exec(ctx, url, statements...); err != nil {
		t.Fatal(err)
	}
	c := Connection{URL: redact.New(url)}
	conn, err := c.Connect(ctx, testEnv(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return c, conn
}
