package duckdb

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tidemill/tidemill"
)

// role says what w is: an owner or a client.
func role(w *Warehouse) string {
	<-w.turn
	defer func() { w.turn <- struct{}{} }()
	switch w.used.(type) {
	case *ownership:
		return "owner"
	case *client:
		return "client"
	}
	return "nothing"
}

// TestClient: all that a warehouse does works over the socket.
func TestClient(t *testing.T) {
	path := file(t)
	owner, w := open(t, path), open(t, path)
	if role(owner) != "owner" || role(w) != "client" {
		t.Fatalf("%s and %s", role(owner), role(w))
	}
	ctx := t.Context()
	have, err := w.Evolve(ctx, events, nil)
	if err != nil || have != nil {
		t.Fatalf("a missing table: %v, %v", have, err)
	}
	have, err = w.Evolve(ctx, events, eventSchema())
	if err != nil || !have.Equal(eventSchema()) {
		t.Fatalf("%v, %v", have, err)
	}
	l := crashLanding()
	l.Rows, l.Marks[0].From = l.Rows[:1], nil
	if r := commit(t, w, l); r != (tidemill.Receipt{Rows: 3, Duplicates: 1, Dead: 1}) {
		t.Errorf("%+v", r)
	}
	if r := commit(t, owner, l); !r.Repeated {
		t.Errorf("%+v: want it repeated", r)
	}
	if ledger, err := w.Ledger(ctx, "p"); err != nil || string(ledger.Marks[0].To) != "2" || len(ledger.Recent) != 1 {
		t.Errorf("%+v, %v", ledger, err)
	}
	if _, err := w.Commit(ctx, tidemill.Landing{Pipeline: "p", Batch: "b3", Marks: []tidemill.Mark{{Scope: "f", To: tidemill.Position("3")}}}); tidemill.CodeOf(err) != tidemill.Fenced || len(tidemill.Hints(err)) != 1 {
		t.Errorf("a moved mark: %v, %v", err, tidemill.Hints(err))
	}
	if got := query(t, w, "SELECT _key, payload, _landed_at FROM raw.events WHERE _key = $1", id("new")); got != id("new").String()+` {"id":0} 2026-01-01T00:00:00Z`+"\n" {
		t.Error(got)
	}
	s, err := w.Session(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := s.Query(ctx, "SELECT nothing"); tidemill.CodeOf(err) != tidemill.SQL || strings.Count(err.Error(), "[sql]") != 1 {
		t.Errorf("a bad statement: %v", err)
	}
	if err := s.Begin(ctx); err != nil {
		t.Fatal(err)
	}
	if n, err := s.Exec(ctx, "DELETE FROM raw.events"); err != nil || n != 3 {
		t.Errorf("%d, %v", n, err)
	}
	if err := s.Rollback(ctx); err != nil {
		t.Fatal(err)
	}
	if got := ask(t, s, "SELECT count(*) FROM raw.events"); got != "3\n" {
		t.Errorf("after rollback: %s", got)
	}
}

// TestClientReleasesEarly: a result that is given up leaves the session usable.
func TestClientReleasesEarly(t *testing.T) {
	path := file(t)
	open(t, path)
	w := open(t, path)
	s, err := w.Session(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for range 3 {
		r, err := s.Query(t.Context(), "SELECT * FROM range(3000000)")
		if err != nil {
			t.Fatal(err)
		}
		if !r.Next() {
			t.Fatal(r.Err())
		}
		r.Release()
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		if _, err := s.Exec(ctx, "SELECT count(*) FROM range(1000000000) a, range(1000) b WHERE hash(a.range + b.range) = 1"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a statement that takes long: %v", err)
		}
		cancel()
		if got := ask(t, s, "SELECT 1"); got != "1\n" {
			t.Error(got)
		}
	}
}

// TestTakeover: the owner ends, by itself or killed, and its client goes on as
// the owner.
func TestTakeover(t *testing.T) {
	for _, kill := range []bool{false, true} {
		path := file(t)
		prepareCrash(t, path)
		process, end := owned(t, path)
		w := open(t, path)
		if role(w) != "client" {
			t.Fatal(role(w))
		}
		ctx := t.Context()
		watch, err := w.Session(ctx)
		if err != nil {
			t.Fatal(err)
		}
		defer watch.Close()
		ask(t, watch, "SELECT 1")
		broken, err := w.Session(ctx)
		if err != nil {
			t.Fatal(err)
		}
		defer broken.Close()
		if kill {
			if err := broken.Begin(ctx); err != nil {
				t.Fatal(err)
			}
			if _, err := broken.Exec(ctx, "DELETE FROM raw.events"); err != nil {
				t.Fatal(err)
			}
			_ = process.Process.Kill()
		} else {
			end.Close()
		}
		_ = process.Wait()
		if kill {
			if _, err := broken.Exec(ctx, "SELECT 1"); !tidemill.Retryable(err) {
				t.Errorf("in a broken transaction: %v", err)
			}
		}
		if r := commit(t, w, crashLanding()); r.Rows != 4 || r.Repeated {
			t.Errorf("kill %v: %+v", kill, r)
		}
		if role(w) != "owner" {
			t.Errorf("kill %v: %s", kill, role(w))
		}
		if got := ask(t, watch, "SELECT count(*) FROM raw.events"); got != "3\n" {
			t.Errorf("kill %v: %s", kill, got)
		}
	}
}

// TestOwnerDrains: an owner that ends waits for the transaction of a client.
func TestOwnerDrains(t *testing.T) {
	path := file(t)
	owner, w := open(t, path), open(t, path)
	ctx := t.Context()
	s, err := w.Session(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Begin(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Exec(ctx, "CREATE TABLE t AS SELECT 1 AS a"); err != nil {
		t.Fatal(err)
	}
	var closing sync.WaitGroup
	closing.Go(func() { owner.Close() })
	within(t, time.Second, "the socket goes", func() bool {
		c, err := net.Dial("unix", w.place.socket)
		if err == nil {
			c.Close()
		}
		return err != nil
	})
	if err := s.Commit(ctx); err != nil {
		t.Errorf("commit while the owner drains: %v", err)
	}
	closing.Wait()
	if got := query(t, w, "SELECT a FROM t"); got != "1\n" || role(w) != "owner" {
		t.Errorf("%s %s", got, role(w))
	}
}

// TestQueryDelaysNoCommit: a long query of a client runs beside commits.
func TestQueryDelaysNoCommit(t *testing.T) {
	path := file(t)
	owner, w := open(t, path), open(t, path)
	evolve(t, w, events)
	s, err := w.Session(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() {
		_, err := s.Exec(ctx, "SELECT count(*) FROM range(1000000000) a, range(1000) b WHERE hash(a.range + b.range) = 1")
		done <- err
	}()
	time.Sleep(50 * time.Millisecond)
	begun := time.Now()
	commit(t, owner, landingOf(events, "b1", epoch, event{key: "a"}))
	if d := time.Since(begun); d > 5*time.Second {
		t.Errorf("the commit took %v", d)
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// TestProtocolVersion: another version is told from a lost connection.
func TestProtocolVersion(t *testing.T) {
	path := file(t)
	p, err := meetingPlace(path)
	if err != nil {
		t.Fatal(err)
	}
	lock, err := p.claim()
	if err != nil || lock == nil {
		t.Fatal(lock, err)
	}
	defer lock.Close()
	l, err := p.listen()
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		b, _ := json.Marshal(hello{Protocol: protocol + 1, PID: 7})
		_ = newWire(c).send(frameHello, b)
	})
	_, err = Open(t.Context(), Connection{Path: path}, tidemill.Env{})
	l.Close()
	serving.Wait()
	if tidemill.CodeOf(err) != tidemill.Unavailable || !strings.Contains(err.Error(), "process 7 has it open and speaks version") {
		t.Error(err)
	}
}

// TestStranger: DuckDB's own lock is told, with who holds it.
func TestStranger(t *testing.T) {
	path := file(t)
	process, _ := owned(t, path)
	w := Warehouse{path: path, turn: make(chan struct{}, 1)}
	w.place = place{lock: path + ".other.lock", socket: path + ".other.sock"}
	w.turn <- struct{}{}
	_, err := w.backend(t.Context())
	if tidemill.CodeOf(err) != tidemill.Unavailable || !strings.Contains(err.Error(), "process "+strconv.Itoa(process.Process.Pid)) {
		t.Error(err)
	}
	if len(tidemill.Hints(err)) == 0 {
		t.Error("no remedy")
	}
}

func TestStatementLog(t *testing.T) {
	var out bytes.Buffer
	env := tidemill.Env{SQL: slog.New(slog.NewTextHandler(&out, nil))}
	w, err := Open(t.Context(), Connection{Path: inMemory}, env)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	query(t, w, "SELECT $1 AS told", "a secret")
	if got := out.String(); !strings.Contains(got, "AS told") || !strings.Contains(got, "duration=") || strings.Contains(got, "a secret") {
		t.Error(got)
	}
}

func TestRuntimeFolderIsOurs(t *testing.T) {
	run := t.TempDir()
	t.Setenv("XDG_RUNTIME_DIR", run)
	if err := os.Mkdir(run+"/tidemill", 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(run+"/tidemill", 0o777); err != nil {
		t.Fatal(err)
	}
	if _, err := meetingPlace("/x"); tidemill.CodeOf(err) != tidemill.Denied {
		t.Error(err)
	}
}

// TestOwnerDiesInCommit: the owner dies around the COMMIT of a client, which
// goes on as the owner and finds out in the ledger what became of its batch.
func TestOwnerDiesInCommit(t *testing.T) {
	for _, point := range []string{"begun", "before-commit", "after-commit"} {
		path := file(t)
		prepareCrash(t, path)
		process, _ := ownedUntil(t, path, point)
		w := open(t, path)
		r := commit(t, w, crashLanding())
		_ = process.Wait()
		if role(w) != "owner" || r.Rows != 4 || r.Duplicates != 2 || r.Dead != 1 || r.Repeated != (point == "after-commit") {
			t.Errorf("%s: %s, %+v", point, role(w), r)
		}
		if got := query(t, w, crashState); got != "b1,b2,b2 3 1=2,2=1 dead,landed 2 7\n" {
			t.Errorf("%s: %s", point, got)
		}
	}
}
