package duckdb

import (
	"testing"
	"time"

	"github.com/tidemill/tidemill"
)

// TestArguments: whatever the statement makes of a parameter, or nothing, the
// value arrives.
func TestArguments(t *testing.T) {
	w := open(t, inMemory)
	for _, c := range []struct {
		sql  string
		arg  any
		want string
	}{
		{"SELECT $1", nil, "(null)\n"},
		{"SELECT $1", true, "true\n"},
		{"SELECT $1", int64(-1) << 62, "-4611686018427387904\n"},
		{"SELECT $1", 1.5, "1.5\n"},
		{"SELECT $1", "it's", "it's\n"},
		{"SELECT $1", []byte{0, 255}, "AP8=\n"},
		{"SELECT $1", id("a"), id("a").String() + "\n"},
		{"SELECT $1::UUID", id("a"), id("a").String() + "\n"},
		{"SELECT $1 = uuid()", id("a"), "false\n"},
		{"SELECT $1", epoch.Add(time.Microsecond), "2026-01-01T00:00:00.000001Z\n"},
		{"SELECT $1::TIMESTAMP", epoch.In(time.FixedZone("", 3600)), "2026-01-01T00:00:00\n"},
		{"SELECT $1::JSON", `{"a":1}`, "{\"a\":1}\n"},
	} {
		if got := query(t, w, c.sql, c.arg); got != c.want {
			t.Errorf("%s with %v: %q, want %q", c.sql, c.arg, got, c.want)
		}
	}
	s, err := w.Session(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := s.Exec(t.Context(), "SELECT $1", 5); tidemill.CodeOf(err) != tidemill.Invalid {
		t.Errorf("an int: %v", err)
	}
}
