package duckdb

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tidemill/tidemill"
)

func TestCheck(t *testing.T) {
	dir := t.TempDir()
	text := filepath.Join(dir, "notes.txt")
	if err := os.WriteFile(text, []byte(strings.Repeat("not a database", 1000)), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		cfg  Connection
		why  string // of the last finding; "" is fine
		hint string
	}{
		{Connection{Path: "new/folder/w.duckdb", Threads: 1, MemoryLimit: "500MB", Settings: map[string]string{"preserve_insertion_order": "false"}}, "", ""},
		{Connection{Path: inMemory}, "", ""},
		{Connection{Path: ""}, "path is empty", "set path"},
		{Connection{Path: "."}, "is a folder", "name a file in it"},
		{Connection{Path: "notes.txt"}, "not a valid DuckDB database file", "set path to a DuckDB file"},
		{Connection{Path: "notes.txt/w.duckdb"}, "not a directory", "set path to a place"},
		{Connection{Path: "w.duckdb", Threads: -1}, "threads is -1", "leave threads out"},
		{Connection{Path: "w.duckdb", MemoryLimit: "much"}, "memory_limit", "settings"},
		{Connection{Path: "w.duckdb", Settings: map[string]string{"no_such": "1"}}, "no_such", "settings"},
	} {
		findings := Check(t.Context(), c.cfg, nil, tidemill.Env{Dir: dir})
		last := findings[len(findings)-1]
		if last.OK != (c.why == "") || !strings.Contains(last.Why, c.why) || !strings.Contains(last.Hint, c.hint) {
			t.Errorf("%+v: %+v, want why %q and hint %q", c.cfg, findings, c.why, c.hint)
		}
	}
}

// TestOneNameForOneFile: a symlink leads to the same owner.
func TestOneNameForOneFile(t *testing.T) {
	path := file(t)
	owner := open(t, path)
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(filepath.Dir(path), link); err != nil {
		t.Fatal(err)
	}
	w := open(t, filepath.Join(link, filepath.Base(path)))
	if role(owner) != "owner" || role(w) != "client" {
		t.Errorf("%s and %s", role(owner), role(w))
	}
}
