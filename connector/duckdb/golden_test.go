package duckdb

import (
	"context"
	"database/sql/driver"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/duckdb/duckdb-go/v2"
)

// TestGoldenStatements runs the golden files of package sqlgen on the engine.
func TestGoldenStatements(t *testing.T) {
	files, err := filepath.Glob("../../sqlgen/golden/duckdb/*.sql")
	if err != nil || len(files) == 0 {
		t.Fatalf("no golden files: %v", err)
	}
	setup, err := filepath.Glob("../../sqlgen/golden/duckdb/setup/*.sql")
	if err != nil || len(setup) == 0 {
		t.Fatalf("no setup files: %v", err)
	}
	ctx := t.Context()
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			c := bare(t)
			for _, s := range setup {
				if _, err := c.ExecContext(ctx, text(t, s), nil); err != nil {
					t.Fatalf("%s: %v", s, err)
				}
			}
			golden(ctx, t, c, "../../sqlgen/golden/duckdb/select_version.sql")
			for _, m := range []string{"migration_1.sql", "migration_2.sql"} {
				if filepath.Base(file) != m {
					golden(ctx, t, c, "../../sqlgen/golden/duckdb/"+m)
				}
			}
			golden(ctx, t, c, file)
		})
	}
}

// golden runs a file with null for each parameter.
func golden(ctx context.Context, t *testing.T, c *duckdb.Conn, file string) {
	t.Helper()
	s, err := c.PrepareContext(ctx, text(t, file))
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	defer s.Close()
	args := make([]driver.NamedValue, s.NumInput())
	for i := range args {
		args[i] = driver.NamedValue{Ordinal: i + 1}
	}
	if _, err := s.(driver.StmtExecContext).ExecContext(ctx, args); err != nil && !notNull(err) {
		t.Fatalf("%s: %v", file, err)
	}
}

// bare opens a connection to a database of its own.
func bare(t *testing.T) *duckdb.Conn {
	t.Helper()
	connector, err := duckdb.NewConnector(inMemory, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { connector.Close() })
	c, err := connector.Connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c.(*duckdb.Conn)
}

func text(t *testing.T, file string) string {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// notNull reports whether a statement ran and only refused a null parameter.
func notNull(err error) bool {
	var e *duckdb.Error
	return errors.As(err, &e) && e.Type == duckdb.ErrorTypeConstraint && strings.Contains(e.Msg, "NOT NULL")
}
