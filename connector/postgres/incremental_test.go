package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/internal/redact"
	pgserver "github.com/tidemill/tidemill/tidetest/postgres"
)

// TestIncrementalRandomly inserts and updates rows at random between runs
// that are killed at random. Every version that was there at the end of a
// whole scan lands, and none twice.
func TestIncrementalRandomly(t *testing.T) {
	for name, create := range map[string]string{
		"with key":    "create table t (id bigint primary key, at timestamptz, n int)",
		"without key": "create table t (id bigint, at timestamptz, n int)",
		"number":      "create table t (id bigint primary key, at int, n int)",
		"words":       "create table t (id bigint, at text, n int)",
	} {
		t.Run(name, func(t *testing.T) {
			c, conn := database(t, create, "create table versions (id bigint, at text, n int)")
			ctx := context.Background()
			random := rand.New(rand.NewPCG(3, uint64(len(name))))
			l := newLedger(t)
			o := Options{Mode: modeIncremental, Tables: []string{"t"}, Cursor: "at"}
			value := func(step int) string {
				switch {
				case random.IntN(8) == 0:
					return "null"
				case name == "number":
					return fmt.Sprint(step)
				case name == "words":
					return fmt.Sprintf("'w%06d'", step)
				}
				return fmt.Sprintf("timestamptz '2020-01-01' + %d * interval '1 us'", step)
			}
			id := 0
			for step := range 25 {
				for range random.IntN(60) {
					id++
					if _, err := conn.Exec(ctx, fmt.Sprintf("insert into t values (%d, %s, %d)", id, value(step), random.IntN(3))); err != nil {
						t.Fatal(err)
					}
				}
				if id > 0 && step%3 == 2 {
					// A change makes the cursor grow.
					to := value(step + 1)
					for to == "null" {
						to = value(step + 1)
					}
					sql := fmt.Sprintf("update t set n = n + 10, at = %s where id %% 7 = %d and (at is null or at < %[1]s)", to, random.IntN(7))
					if _, err := conn.Exec(ctx, sql); err != nil {
						t.Fatal(err)
					}
				}
				for !l.read(c, o, random.IntN(6)) {
				}
				// What is there now must have landed.
				if _, err := conn.Exec(ctx, "insert into versions select id, at::text, n from t except select * from versions"); err != nil {
					t.Fatal(err)
				}
			}
			got := map[string]int{}
			for _, line := range l.rows["public.t"] {
				got[line]++
			}
			for line, n := range got {
				if n > 1 {
					t.Fatalf("%q came %d times", line, n)
				}
			}
			var want int
			if err := conn.QueryRow(ctx, "select count(*) from versions").Scan(&want); err != nil || want != len(got) {
				t.Fatalf("%d versions landed, want %d, %v", len(got), want, err)
			}
		})
	}
}

// TestIncrementalTies: more rows share a value than are told apart one by
// one.
func TestIncrementalTies(t *testing.T) {
	c, conn := database(t, "create table t (id bigint primary key, at date)", "insert into t select i, '2020-01-01' from generate_series(1, 6000) i",
		"insert into t select i, null from generate_series(10001, 16000) i", "create table u (at int, n int)", "insert into u select 1, i from generate_series(1, 6000) i")
	o := Options{Mode: modeIncremental, Tables: []string{"t"}, Cursor: "at"}
	l := newLedger(t)
	for done := false; !done; {
		done = l.read(c, o, 70)
	}
	if _, err := conn.Exec(context.Background(), "insert into t values (6001, '2020-01-01'), (16001, null), (9000, '2021-01-01')"); err != nil {
		t.Fatal(err)
	}
	l.read(c, o, 1000)
	l.same(c, "public.t", "select id || '|' || coalesce(at::text, '(null)') from t")

	s := NewSource(c, Options{Mode: modeIncremental, Tables: []string{"u"}, Cursor: "at"}, testEnv(t))
	defer func() { _ = s.Close() }()
	err := s.Open(context.Background(), nil)
	for err == nil {
		_, err = s.Read(context.Background())
	}
	if tidemill.CodeOf(err) != tidemill.Invalid || !strings.Contains(err.Error(), "share one value") {
		t.Error(err)
	}
}

// TestIncrementalLag: rows younger than the lag wait, so that one that is
// committed late is not passed over.
func TestIncrementalLag(t *testing.T) {
	c, conn := database(t, "create table t (id int primary key, at timestamptz)",
		"insert into t values (1, now() - interval '1 hour'), (2, now() - interval '1 minute'), (3, now())")
	o := Options{Mode: modeIncremental, Tables: []string{"t"}, Cursor: "at", Lag: 10 * time.Minute}
	l := newLedger(t)
	l.read(c, o, 100)
	if n := len(l.rows["public.t"]); n != 1 {
		t.Fatalf("%d rows, want the one that is old enough", n)
	}
	if _, err := conn.Exec(context.Background(), "insert into t values (4, now() - interval '30 minutes'); update t set at = at - interval '20 minutes' where id in (2, 3)"); err != nil {
		t.Fatal(err)
	}
	l.read(c, o, 100)
	if n := len(l.rows["public.t"]); n != 4 {
		t.Errorf("%d rows, want 4", n)
	}
}

// TestIncrementalQuery reads a join, goes on after a crash of the server and
// hears of new rows while it waits.
func TestIncrementalQuery(t *testing.T) {
	ctx := context.Background()
	own := pgserver.Start(t, pgserver.Options{})
	url := own.URL("")
	if err := own.Exec(ctx, url, "create table t (id int primary key, at timestamptz default clock_timestamp(), v numeric(5,2)); insert into t (id, v) select i, i % 100 from generate_series(1, 3000) i"); err != nil {
		t.Fatal(err)
	}
	c := Connection{URL: redact.New(url)}
	o := Options{Mode: modeIncremental, Query: "select t.id, t.at as changed, t.v, n.nspname from t, pg_namespace n where n.nspname = 'public'", Name: "joined", Key: []string{"id"}, Cursor: "changed", Poll: 10 * time.Millisecond}
	s := NewSource(c, o, testEnv(t))
	s.SetBatch(100, 1<<20)
	defer func() { _ = s.Close() }()
	if err := s.Open(ctx, nil); err != nil {
		t.Fatal(err)
	}
	l := newLedger(t)
	for i := 0; len(l.rows["joined"])+len(l.dead) < 3002; i++ {
		b, err := s.Read(ctx)
		if err != nil {
			t.Fatal(err)
		}
		l.commit(b)
		release(b)
		switch i {
		case 5:
			if err := own.Crash(); err != nil {
				t.Fatal(err)
			}
		case 10:
			if err := own.Exec(ctx, url, "insert into t (id, v) values (3001, 1), (3002, 'NaN')"); err != nil {
				t.Fatal(err)
			}
		}
	}
	if len(l.dead) != 1 {
		t.Errorf("%d dead letters", len(l.dead))
	}
	reading, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
	defer cancel()
	for {
		b, err := s.Read(reading)
		if errors.Is(err, context.DeadlineExceeded) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if len(b.Parts) > 0 {
			t.Fatal("a row came again")
		}
	}
	if err := own.Exec(ctx, url, "insert into t (id, v) values (3003, 1)"); err != nil {
		t.Fatal(err)
	}
	for len(l.rows["joined"]) < 3002 { // it goes on after a Read that was given up
		b, err := s.Read(ctx)
		if err != nil {
			t.Fatal(err)
		}
		l.commit(b)
	}
	if err := s.Drain(ctx); err != nil {
		t.Fatal(err)
	}
	for {
		b, err := s.Read(ctx)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil || len(b.Parts) > 0 {
			t.Fatal(b.Parts, err)
		}
	}
}

func TestIncrementalErrors(t *testing.T) {
	c, _ := database(t, "create table t (id int primary key)")
	for name, x := range map[string]struct {
		opts Options
		code tidemill.Code
		says string
	}{
		"no cursor":     {Options{Tables: []string{"t"}}, tidemill.Invalid, "needs a cursor"},
		"no column":     {Options{Tables: []string{"t"}, Cursor: "at"}, tidemill.NotFound, `no column "at"`},
		"no such field": {Options{Query: "select 1 as a", Cursor: "at"}, tidemill.NotFound, `no column "at"`},
		"lag of ids":    {Options{Tables: []string{"t"}, Cursor: "id", Lag: time.Second}, tidemill.Invalid, "is no time"},
	} {
		x.opts.Mode = modeIncremental
		s := NewSource(c, x.opts, testEnv(t))
		err := s.Open(context.Background(), nil)
		if text := fmt.Sprint(err); tidemill.CodeOf(err) != x.code || !strings.Contains(text, x.says) {
			t.Errorf("%s: %s", name, text)
		}
		_ = s.Close()
	}
}
