package duckdb

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/tidetest"
)

// TestSource holds the source to the contract of sources, of which the far
// side is a table in a file that another process could have open.
func TestSource(t *testing.T) {
	for name, opts := range map[string]Options{
		"table": {Table: "shop.orders", Cursor: "id"},
		"query": {Query: "SELECT id, 'x' AS note FROM shop.orders;", Cursor: "id", Key: []string{"id"}},
	} {
		t.Run(name, func(t *testing.T) {
			tidetest.Source(t, func(t testing.TB) tidetest.Origin {
				path := file(t)
				w := open(t, path)
				do(t, w, "CREATE SCHEMA shop", "CREATE TABLE shop.orders (id BIGINT)")
				opts.Poll = 10 * time.Millisecond
				return tidetest.Origin{
					Source: func() tidemill.Source {
						return NewSource(Connection{Path: path}, opts, tidemill.Env{Log: slog.New(slog.DiscardHandler)})
					},
					Put: func(_ context.Context, ids ...string) error {
						do(t, w, "INSERT INTO shop.orders VALUES ("+strings.Join(ids, "), (")+")")
						return nil
					},
					RecordIDs: func(p tidemill.Part) (ids []string) {
						c := p.Records.Column(0).(*array.Int64)
						for i := range c.Len() {
							ids = append(ids, strconv.FormatInt(c.Value(i), 10))
						}
						return ids
					},
					Positioned: true, Ordered: true, Schedules: 5,
				}
			})
		})
	}
}

// TestSourceCursors reads rows that share a value, have none, and change.
func TestSourceCursors(t *testing.T) {
	path := file(t)
	w := open(t, path)
	do(t, w, "CREATE TABLE main.t (id BIGINT, changed TIMESTAMPTZ)",
		"INSERT INTO main.t VALUES (1, '2026-01-01'), (2, '2026-01-01'), (3, NULL)")
	s := NewSource(Connection{Path: path}, Options{Table: "main.t", Cursor: "changed", Key: []string{"id"}}, tidemill.Env{Log: slog.New(slog.DiscardHandler)})
	if err := s.Open(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	read := func() map[int64]int {
		seen := map[int64]int{}
		for {
			b, err := s.Read(t.Context())
			if err != nil {
				return seen
			}
			c := b.Parts[0].Records.Column(0).(*array.Int64)
			for i := range c.Len() {
				seen[c.Value(i)]++
			}
			b.Parts[0].Records.Release()
		}
	}
	if got := fmt.Sprint(read()); got != "map[1:1 2:1 3:1]" {
		t.Errorf("first: %s", got)
	}
	do(t, w, "INSERT INTO main.t VALUES (4, '2026-01-01'), (5, NULL), (6, '2026-01-02')", "UPDATE main.t SET changed = '2026-02-01' WHERE id = 1")
	if got := fmt.Sprint(read()); got != "map[1:1 4:1 5:1 6:1]" {
		t.Errorf("then: %s", got)
	}
}

func do(t testing.TB, w tidemill.Warehouse, statements ...string) {
	t.Helper()
	s, err := w.Session(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, sql := range statements {
		if _, err := s.Exec(context.Background(), sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
}

// TestSourceManyTies goes on within rows of one cursor value that are too many
// to be told apart one by one, by a key of two types.
func TestSourceManyTies(t *testing.T) {
	path := file(t)
	w := open(t, path)
	do(t, w, "CREATE TABLE main.t AS SELECT ('o' || (i // 3)) AS order_id, i % 3 AS line, TIMESTAMPTZ '2026-01-01' AS changed FROM range(9000) r(i)")
	opts := Options{Table: "main.t", Cursor: "changed", Key: []string{"order_id", "line"}}
	var marks []tidemill.Mark
	seen := map[string]int{}
	for range 3 { // each a process of its own
		s := NewSource(Connection{Path: path}, opts, tidemill.Env{Log: slog.New(slog.DiscardHandler)})
		if err := s.Open(t.Context(), marks); err != nil {
			t.Fatal(err)
		}
		if err := s.Drain(t.Context()); err != nil {
			t.Fatal(err)
		}
		for range 3 { // some reads, then it dies
			b, err := s.Read(t.Context())
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			r := b.Parts[0].Records
			for i := range int(r.NumRows()) {
				seen[r.Column(0).ValueStr(i)+"/"+r.Column(1).ValueStr(i)]++
			}
			r.Release()
			marks = b.Marks
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for row, n := range seen {
		if n != 1 {
			t.Fatalf("%s came %d times", row, n)
		}
	}
	if len(seen) != 9000 {
		t.Errorf("%d of 9000 rows came", len(seen))
	}
}
