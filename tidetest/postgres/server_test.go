package postgres_test

import (
	"context"
	"net"
	"strconv"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/tidemill/tidemill/tidetest/postgres"
)

func TestServer(t *testing.T) {
	for _, version := range []string{"", "18"} {
		t.Run("version "+version, func(t *testing.T) {
			t.Parallel()
			ctx := context.Background()
			s := postgres.Start(t, postgres.Options{Version: version, TLS: version == "", Settings: map[string]string{"wal_level": "logical"}})
			url, err := s.Database(ctx)
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Exec(ctx, url, "create table t (a int)", "insert into t values (1)"); err != nil {
				t.Fatal(err)
			}
			for name, again := range map[string]func() error{"restart": s.Restart, "crash": s.Crash} {
				if err := again(); err != nil {
					t.Fatal(name, err)
				}
				secure := ""
				if version == "" {
					secure = "?sslmode=verify-full&sslrootcert=" + s.CAFile
				}
				conn, err := pgx.Connect(ctx, url+secure)
				if err != nil {
					t.Fatal(err)
				}
				var n int
				var level string
				err = conn.QueryRow(ctx, "select a, current_setting('wal_level') from t").Scan(&n, &level)
				if err != nil || n != 1 || level != "logical" {
					t.Errorf("after %s: %d, %s, %v", name, n, level, err)
				}
				if err := conn.Close(ctx); err != nil {
					t.Error(err)
				}
			}
			if err := s.Stop(); err != nil {
				t.Fatal(err)
			}
			if c, err := net.DialTimeout("tcp", "127.0.0.1:"+strconv.Itoa(s.Port()), time.Second); err == nil {
				_ = c.Close()
				t.Error("something still listens")
			}
		})
	}
}
