package duckdb

import (
	"fmt"
	"os/signal"
	"strings"
	"syscall"
	"testing"

	"github.com/tidemill/tidemill"
)

// TestDiskFull: a limit on the size of files stands for a full disk. The
// commit fails with what to do, and once there is space the same one lands.
func TestDiskFull(t *testing.T) {
	signal.Ignore(syscall.SIGXFSZ)
	defer signal.Reset(syscall.SIGXFSZ)
	path := file(t)
	w := open(t, path)
	evolve(t, w, events)
	commit(t, w, landingOf(events, "b0", epoch, event{key: "0"}))
	before, err := w.Session(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer before.Close()

	var many []event
	for i := range 20_000 {
		many = append(many, event{key: fmt.Sprint("k", i), id: int64(i)})
	}
	l := landingOf(events, "b1", epoch, many...)
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		t.Fatal(err)
	}
	for _, room := range []uint64{16 << 10, 200 << 10, 700 << 10} {
		small := limit
		small.Cur = room
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &small); err != nil {
			t.Fatal(err)
		}
		_, err := w.Commit(t.Context(), l)
		if err2 := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err2 != nil {
			t.Fatal(err2)
		}
		hint := strings.Join(tidemill.Hints(err), " ")
		if tidemill.CodeOf(err) != tidemill.Unavailable || !tidemill.Retryable(err) || !strings.Contains(hint, path) {
			t.Errorf("with %d bytes of room: %v (%s)", room, err, hint)
		}
	}
	if r := commit(t, w, l); r.Rows != 20_000 || r.Repeated {
		t.Errorf("%+v", r)
	}
	if got := query(t, w, "SELECT count(*), count(DISTINCT _key), count(DISTINCT _batch) FROM raw.events"); got != "20001 20001 2\n" {
		t.Error(got)
	}
	if _, err := before.Exec(t.Context(), "SELECT 1"); err != nil && !tidemill.Retryable(err) {
		t.Errorf("a session of before: %v", err)
	}
}
