package tidetest

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/tidemill/tidemill"
)

func session(t *testing.T, w tidemill.Warehouse) tidemill.Session {
	t.Helper()
	s, err := w.Session(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func exec(t *testing.T, s tidemill.Session, statements ...string) {
	t.Helper()
	for _, sql := range statements {
		if _, err := s.Exec(t.Context(), sql); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
}

func wantColumn(t *testing.T, s tidemill.Session, sql string, want ...string) {
	t.Helper()
	if got := column(t, s, sql); !slices.Equal(got, want) {
		t.Errorf("%s: %q, want %q", sql, got, want)
	}
}

func lands(t *testing.T, w tidemill.Warehouse, l tidemill.Landing, want tidemill.Receipt) {
	t.Helper()
	s := &suite{T: t, w: w}
	s.want(s.commit(l), want)
}

// sessionTypes: what has landed comes back with the types of package tidemill.
func sessionTypes(t *testing.T, w tidemill.Warehouse) {
	l := landing("b1", suiteTable, ev("1"))
	lands(t, w, l, tidemill.Receipt{Rows: 1})
	s := session(t, w)
	r, err := s.Query(t.Context(), "SELECT * FROM raw.events")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Release()
	for i, want := range l.Rows[0].Records.Schema().Fields() {
		if got := r.Schema().Field(i); got.Name != want.Name || !arrow.TypeEqual(got.Type, want.Type) {
			t.Errorf("column %d is %s %v, want %s %v", i, got.Name, got.Type, want.Name, want.Type)
		}
	}
	if !r.Next() {
		t.Fatalf("no row: %v", r.Err())
	}
	for i := range l.Rows[0].Records.Columns() {
		got, want := r.RecordBatch().Column(i).ValueStr(0), l.Rows[0].Records.Column(i).ValueStr(0)
		if got != want {
			t.Errorf("column %d is %q, want %q", i, got, want)
		}
	}
}

func sessionTransactions(t *testing.T, w tidemill.Warehouse) {
	s, other := session(t, w), session(t, w)
	exec(t, s, "CREATE TABLE t (a BIGINT)")
	ctx := t.Context()
	for _, end := range []struct {
		name string
		do   func(context.Context) error
		want string
	}{{"rollback", s.Rollback, "0"}, {"commit", s.Commit, "2"}} {
		if err := s.Begin(ctx); err != nil {
			t.Fatal(err)
		}
		if n, err := s.Exec(ctx, "INSERT INTO t VALUES ($1), ($2)", int64(1), int64(2)); err != nil || n != 2 {
			t.Fatalf("%d, %v", n, err)
		}
		wantColumn(t, other, "SELECT count(*) FROM t", "0")
		if err := end.do(ctx); err != nil {
			t.Fatal(err)
		}
		wantColumn(t, other, "SELECT count(*) FROM t", end.want)
	}
	if err := s.Commit(ctx); err == nil {
		t.Error("a commit without a transaction")
	}
	third, err := w.Session(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := third.Begin(ctx); err != nil {
		t.Fatal(err)
	}
	exec(t, third, "DELETE FROM t")
	if err := third.Close(); err != nil {
		t.Fatal(err)
	}
	wantColumn(t, other, "SELECT count(*) FROM t", "2")
}

func sessionErrors(t *testing.T, w tidemill.Warehouse) {
	s := session(t, w)
	for _, sql := range []string{"SELEC 1", "SELECT * FROM nowhere", "SELECT CAST('x' AS INTEGER)", ""} {
		_, err := s.Exec(t.Context(), sql)
		if tidemill.CodeOf(err) != tidemill.SQL {
			t.Errorf("%q: %v, want code sql", sql, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Exec(ctx, "SELECT 1"); !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: %v", err)
	}
	if _, err := s.Exec(t.Context(), "SELECT $1", struct{}{}); err == nil {
		t.Error("an argument that is no value")
	}
	wantColumn(t, s, "SELECT 1", "1")
}

var suiteUpsert = tidemill.Table{
	TableName: tidemill.TableName{Schema: "raw", Name: "things"}, Write: tidemill.Upsert,
	Key: []string{"id"}, Version: "version",
}

// upsertRows: one row per key, and a stale version never wins.
func upsertRows(t *testing.T, w tidemill.Warehouse) {
	lands(t, w, landing("b1", suiteUpsert, ev("a").v(1).as("a1"), ev("b").v(5).as("b5"), ev("a").v(2).as("a2")), tidemill.Receipt{Rows: 3})
	lands(t, w, landing("b2", suiteUpsert, ev("a").v(3).as("a3"), ev("b").v(4).as("b4"), ev("c").v(1).as("c1")), tidemill.Receipt{Rows: 3})
	s := session(t, w)
	wantColumn(t, s, "SELECT concat(id, version) FROM raw.things ORDER BY id", "a3", "b5", "c1")

	last := suiteUpsert
	last.Version, last.Name = "", "last"
	lands(t, w, landing("b3", last, ev("a").v(9).as("a9"), ev("a").v(1).as("a1")), tidemill.Receipt{Rows: 2})
	lands(t, w, landing("b4", last, ev("a").v(0).as("a0")), tidemill.Receipt{Rows: 1})
	wantColumn(t, s, "SELECT concat(id, version) FROM raw.last", "a0")
}

// letterStates: a letter is settled by the commit that lands it, and one that
// has landed is not dead again.
func letterStates(t *testing.T, w tidemill.Warehouse) {
	dead := func(delivery string, again bool) tidemill.DeadLetter {
		return tidemill.DeadLetter{
			Delivery: suiteID(delivery), Code: tidemill.Malformed, Reason: "no",
			Message: tidemill.Message{Source: "q", Value: []byte{0xff, 0}, Meta: map[string]string{"k": "v\x00\xff"}, Redelivered: again},
		}
	}
	l := landing("b1", suiteTable, ev("landed"))
	l.Dead = []tidemill.DeadLetter{dead("x", false), dead("y", false)}
	lands(t, w, l, tidemill.Receipt{Rows: 1, Dead: 2})
	l = landing("b2", suiteTable, ev("x").again())
	l.Dead = []tidemill.DeadLetter{dead("landed", true), dead("y", true)}
	lands(t, w, l, tidemill.Receipt{Rows: 1, Duplicates: 2})
	s := session(t, w)
	wantColumn(t, s, "SELECT status FROM tidemill.dead_letters ORDER BY status", "dead", "landed")
	wantColumn(t, s, "SELECT settled_at IS NULL FROM tidemill.dead_letters ORDER BY status", "true", "false")
	exec(t, s, "UPDATE tidemill.dead_letters SET status = 'discarded' WHERE status = 'dead'")
	lands(t, w, landing("b3", suiteTable, ev("y").again()), tidemill.Receipt{Duplicates: 1})
	wantColumn(t, s, "SELECT sum(count) FROM tidemill.duplicates", "3")
}

func widenColumns(t *testing.T, w tidemill.Warehouse) {
	with := func(kind arrow.DataType) *arrow.Schema {
		return arrow.NewSchema(append(tidemill.SystemFields(), arrow.Field{Name: "n", Type: kind, Nullable: true}), nil)
	}
	steps := []arrow.DataType{arrow.PrimitiveTypes.Int8, arrow.PrimitiveTypes.Int32, arrow.PrimitiveTypes.Int64, &arrow.Decimal128Type{Precision: 30, Scale: 5}}
	for _, kind := range steps {
		have, err := w.Evolve(t.Context(), suiteTable, with(kind))
		if err != nil || !arrow.TypeEqual(have.Field(7).Type, kind) {
			t.Fatalf("%v: %v, %v", kind, have, err)
		}
	}
	for _, kind := range []arrow.DataType{arrow.PrimitiveTypes.Float64, arrow.BinaryTypes.String, tidemill.JSON()} {
		if _, err := w.Evolve(t.Context(), suiteTable, with(kind)); tidemill.CodeOf(err) != tidemill.SchemaIncompatible {
			t.Errorf("%v: %v", kind, err)
		}
	}
}

// publishKinds: target may be nothing, a table, a view, in this schema or
// another one; views of it go on.
func publishKinds(t *testing.T, w tidemill.Warehouse) {
	s := session(t, w)
	exec(t, s, "CREATE SCHEMA mart", "CREATE SCHEMA work",
		"CREATE TABLE mart.old AS SELECT 1 AS a", "CREATE VIEW mart.seen AS SELECT 1 AS a", "CREATE VIEW reader AS SELECT a FROM mart.old",
		"CREATE INDEX old_a ON mart.old (a)")
	for _, from := range []string{"mart", "work"} {
		for _, target := range []string{"fresh_" + from, "old", "seen"} {
			if err := s.Begin(t.Context()); err != nil {
				t.Fatal(err)
			}
			exec(t, s, "CREATE TABLE "+from+".built AS SELECT 7 AS a")
			if err := w.Publish(t.Context(), s, tidemill.TableName{Schema: from, Name: "built"}, tidemill.TableName{Schema: "mart", Name: target}); err != nil {
				t.Fatal(err)
			}
			if err := s.Commit(t.Context()); err != nil {
				t.Fatal(err)
			}
			wantColumn(t, s, "SELECT a FROM mart."+target, "7")
			if _, err := s.Exec(t.Context(), "SELECT 1 FROM "+from+".built"); err == nil || !strings.Contains(err.Error(), "built") {
				t.Errorf("%s.built is still there: %v", from, err)
			}
		}
	}
	wantColumn(t, s, "SELECT a FROM reader", "7")
	wantColumn(t, s, "SELECT index_name FROM duckdb_indexes()", "old_a")
}

func publishRolledBack(t *testing.T, w tidemill.Warehouse) {
	s, reader := session(t, w), session(t, w)
	exec(t, s, "CREATE TABLE good AS SELECT 1 AS a")
	if err := s.Begin(t.Context()); err != nil {
		t.Fatal(err)
	}
	exec(t, s, "CREATE TABLE built AS SELECT 2 AS a")
	if err := w.Publish(t.Context(), s, tidemill.TableName{Name: "built"}, tidemill.TableName{Name: "good"}); err != nil {
		t.Fatal(err)
	}
	wantColumn(t, s, "SELECT a FROM good", "2")
	wantColumn(t, reader, "SELECT a FROM good", "1")
	if err := s.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantColumn(t, s, "SELECT a FROM good", "1")
}
