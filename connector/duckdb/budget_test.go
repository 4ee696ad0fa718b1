package duckdb

import (
	"path/filepath"
	"testing"

	"github.com/duckdb/duckdb-go/v2"

	"github.com/tidemill/tidemill"
)

// TestBudget holds the engine to little while it only lands, and to all that
// the connection allows while a session is open.
func TestBudget(t *testing.T) {
	cfg := Connection{Path: filepath.Join(t.TempDir(), "w.duckdb"), MemoryLimit: "1GiB", Threads: 2}
	in, err := openInstance(t.Context(), cfg.Path, cfg, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer in.close()
	limits := func() string {
		t.Helper()
		rows, err := in.budget.conn.rows(t.Context(), "SELECT current_setting('memory_limit') || ' ' || current_setting('threads')")
		if err != nil {
			t.Fatal(err)
		}
		return rows[0][0].(string)
	}
	want := func(what, limit string) {
		t.Helper()
		if got := limits(); got != limit {
			t.Errorf("%s: %s, want %s", what, got, limit)
		}
	}
	want("only landing", "64.0 MiB 1")
	first, err := in.budget.enter(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	second, err := in.budget.enter(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want("two sessions", "1.0 GiB 2")
	first()
	first() // once is enough
	want("one session left", "1.0 GiB 2")
	second()
	want("sessions over", "64.0 MiB 1")
}

// TestLandingNeedsMore commits a batch that does not fit into the memory of
// landing, nor can be spilled.
func TestLandingNeedsMore(t *testing.T) {
	cfg := Connection{Path: filepath.Join(t.TempDir(), "w.duckdb"), Settings: map[string]string{"max_temp_directory_size": "1MB"}}
	in, err := openInstance(t.Context(), cfg.Path, cfg, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer in.close()
	c, err := in.connect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer c.close()
	const large = "CREATE OR REPLACE TEMP TABLE big AS SELECT md5(r::VARCHAR) || md5((r + 1)::VARCHAR) AS v FROM range(4000000) t(r)"
	tries := 0
	for _, err = c.exec(t.Context(), large); err != nil; _, err = c.exec(t.Context(), large) {
		if !in.budget.lift(t.Context(), err) {
			t.Fatalf("try %d: not short of memory, or no more to be had: %v", tries, err)
		}
		tries++
	}
	if tries == 0 {
		t.Error("the engine was not short of memory")
	}
	if in.budget.lift(t.Context(), tidemill.Transient(nil)) {
		t.Error("lifted without need")
	}
}

// TestMemoryOfCheckpoint knows the failure of a checkpoint for what it is, and
// gives the next instance what the one before it needed.
func TestMemoryOfCheckpoint(t *testing.T) {
	cfg := Connection{Path: filepath.Join(t.TempDir(), "w.duckdb"), MemoryLimit: "150MiB"}
	o, err := openOwner(t.Context(), cfg.Path, cfg, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer o.close()
	failed := &duckdb.Error{Type: duckdb.ErrorTypeTransaction, Msg: `Failed to commit: Checkpoint failed for database "w". ` +
		`The database has been invalidated. Original error: failed to pin block of size 256.0 KiB (47.9 MiB/48.0 MiB used)`}
	if !invalidated(failed) {
		t.Fatal("the instance would be used further")
	}
	for i, want := range []int64{128 << 20, 256 << 20} {
		if !o.instance.budget.lift(t.Context(), failed) || o.instance.budget.landing != want {
			t.Errorf("lift %d: landing has %d", i, o.instance.budget.landing)
		}
		if err := o.reopen(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if o.instance.budget.lift(t.Context(), failed) {
		t.Error("lifted beyond what the connection allows")
	}
}

func TestDatabaseName(t *testing.T) {
	for path, want := range map[string]string{
		"/a/shop.duckdb": "shop", "shop.v2.db": "shop", ".hidden.duckdb": "hidden",
		"main.duckdb": "main_db", "memory.db": "memory_db", views + ".db": views + "_db",
	} {
		if got := databaseName(path); got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
}
