package build_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow/array"
	"go.uber.org/goleak"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/pipeline/build"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// wide has 30 tables in three layers, each with tests.
func wide() string {
	var b strings.Builder
	yml := "models:\n"
	for i := range 30 {
		from := "range(100) t(id)"
		if i >= 10 {
			from = fmt.Sprintf("{{ ref('m%d') }}", i-10)
		}
		fmt.Fprintf(&b, "-- models/m%d.sql --\n{{ config(materialized='table') }} select id from %s\n", i, from)
		yml += fmt.Sprintf("  - {name: m%d, columns: [{name: id, tests: [unique, not_null]}]}\n", i)
	}
	return b.String() + "-- models/m.yml --\n" + yml
}

func TestParallel(t *testing.T) {
	p := newProject(t, wide())
	for range 3 { // the first run creates, the others replace
		var mu sync.Mutex
		finished := 0
		r := p.do(build.BuildCommand, options{run: build.RunOptions{Threads: 4, OnEvent: func(e build.Event) {
			if !mu.TryLock() {
				t.Error("two events at the same time")
				return
			}
			defer mu.Unlock()
			if e.Kind == build.Finished {
				finished++
			}
			if e.Total != 90 || e.Kind == build.Finished && e.Done != finished {
				t.Errorf("%+v", e)
			}
		}}})
		if r.Failed() || finished != 90 || r.Count(build.Success) != 30 || r.Count(build.Pass) != 60 {
			for _, res := range r.Results {
				if res.Status.Bad() {
					t.Log(res.Name, res.Message)
				}
			}
			t.Fatalf("%d finished, %d built, %d passed", finished, r.Count(build.Success), r.Count(build.Pass))
		}
	}
	p.check("select count(*) from m29", "100")
	p.check("select count(*), count(distinct run) from tidemill.models", "90|3")
}

// faulty is a warehouse whose statements fail at a chosen one, counted over
// all sessions, before or after it took effect.
type faulty struct {
	tidemill.Warehouse
	at    int64
	after bool
	err   error
	calls atomic.Int64
}

func (f *faulty) hit() bool { return f.calls.Add(1) == f.at }

// Session counts too: it fails with no session at all.
func (f *faulty) Session(ctx context.Context) (tidemill.Session, error) {
	if f.hit() {
		return nil, f.err
	}
	s, err := f.Warehouse.Session(ctx)
	if err != nil {
		return nil, err
	}
	return &faultySession{s, f}, nil
}

type faultySession struct {
	tidemill.Session
	f *faulty
}

var errInjected = fmt.Errorf("injected")

func (s *faultySession) do(call func() error) error {
	hit := s.f.hit()
	if hit && !s.f.after {
		return s.f.err
	}
	if err := call(); err != nil {
		return err
	}
	if hit {
		return s.f.err
	}
	return nil
}

func (s *faultySession) Begin(ctx context.Context) error {
	return s.do(func() error { return s.Session.Begin(ctx) })
}

func (s *faultySession) Commit(ctx context.Context) error {
	return s.do(func() error { return s.Session.Commit(ctx) })
}

func (s *faultySession) Exec(ctx context.Context, sql string, args ...any) (n int64, err error) {
	err = s.do(func() error { n, err = s.Session.Exec(ctx, sql, args...); return err })
	return n, err
}

// Query fails before the query, or once its result is there.
func (s *faultySession) Query(ctx context.Context, sql string, args ...any) (array.RecordReader, error) {
	hit := s.f.hit()
	if hit && !s.f.after {
		return nil, s.f.err
	}
	r, err := s.Session.Query(ctx, sql, args...)
	if err == nil && hit {
		r.Release()
		return nil, s.f.err
	}
	return r, err
}

// TestFailureBetweenStatements: wherever a statement fails, before it or after
// it took effect, the run that is repeated under its id ends with every row
// once, and readers never see a table whose tests did not run.
func TestFailureBetweenStatements(t *testing.T) {
	const files = `-- models/grows.sql --
{{ config(materialized='incremental') }} select {{ var('n') }} as id
-- models/whole.sql --
{{ config(materialized='table') }} select count(*) as n from {{ ref('grows') }}
-- models/seen.sql --
select * from {{ ref('whole') }}
-- seeds/s.csv --
a
1
-- models/m.yml --
models: [{name: grows, columns: [{name: id, tests: [unique, not_null]}]}, {name: whole, columns: [{name: n, tests: [not_null]}]}]
`
	p := newProjectIn(t, ":memory:", files)
	for _, after := range []bool{false, true} {
		for at := int64(1); ; at++ {
			p.exec("drop view if exists seen", "drop table if exists whole", "drop table if exists grows", "drop table if exists s", "drop schema if exists tidemill cascade")
			if r := p.do(build.BuildCommand, options{id: "first", vars: "{n: 1}"}); r.Failed() {
				t.Fatalf("%+v", r.Results)
			}
			f := &faulty{Warehouse: p.wh, at: at, after: after, err: errInjected}
			r, err := p.try(options{id: "second", vars: "{n: 2}", wh: f, run: build.RunOptions{Threads: 1}})
			if f.calls.Load() < at {
				if r.Failed() || err != nil {
					t.Fatalf("no failure was injected, and yet: %v %+v", err, r.Results)
				}
				break
			}
			n := p.rows("select count(*) from grows")
			if n != "1" && n != "2" {
				t.Errorf("at %d, after %v: %s rows are seen", at, after, n)
			}
			if r, err := p.try(options{id: "second", vars: "{n: 2}"}); err != nil || r.Failed() {
				t.Errorf("at %d, after %v: the repeated run failed: %v %+v", at, after, err, r.Results)
			}
			p.check("select string_agg(id, ' ' order by id) from grows", "1 2")
			p.check("select n from seen", "2")
			p.check("select count(*), count(distinct node) from tidemill.models where run = 'second'", "4|4")
			p.check("select count(*) from duckdb_tables() where table_name like '\\_\\_tidemill%' escape '\\'", "0")
			if t.Failed() {
				return
			}
		}
	}
}

// TestRetryable: an error that may pass is tried again within the run, which
// then ends as if nothing had been.
func TestRetryable(t *testing.T) {
	p := newProjectIn(t, ":memory:", `-- models/grows.sql --
{{ config(materialized='incremental') }} select {{ var('n') }} as id
-- models/grows.yml --
models: [{name: grows, columns: [{name: id, tests: [unique]}]}]
`)
	for _, after := range []bool{false, true} {
		for at := int64(1); ; at++ {
			p.exec("drop table if exists grows", "drop schema if exists tidemill cascade")
			p.do(build.BuildCommand, options{vars: "{n: 1}"})
			f := &faulty{Warehouse: p.wh, at: at, after: after, err: tidemill.Transient(errInjected)}
			r, err := p.try(options{id: "second", vars: "{n: 2}", wh: f})
			if err != nil || r.Failed() {
				t.Fatalf("at %d, after %v: %v %+v", at, after, err, r.Results)
			}
			p.check("select string_agg(id, ' ' order by id) from grows", "1 2")
			if f.calls.Load() < at || t.Failed() {
				break
			}
		}
	}
}

func (p *project) try(o options) (*build.Results, error) {
	p.t.Helper()
	loaded, err := build.Load(p.t.Context(), build.Options{
		Dir: p.dir, Name: "p", Dialect: tidemill.DuckDB, Target: build.Target{Name: "dev", Schema: "main"}, RunID: o.id, Vars: o.vars,
	})
	if err != nil {
		p.t.Fatal(err)
	}
	plan, err := loaded.Select(build.BuildCommand, o.include, o.exclude)
	if err != nil {
		p.t.Fatal(err)
	}
	wh := p.wh
	if o.wh != nil {
		wh = o.wh
	}
	return build.Run(p.t.Context(), wh, plan, o.run)
}

// panicking is a warehouse that panics over a statement with boom in it.
type panicking struct{ tidemill.Warehouse }

func (p *panicking) Session(ctx context.Context) (tidemill.Session, error) {
	s, err := p.Warehouse.Session(ctx)
	if err != nil {
		return nil, err
	}
	return &panickingSession{s}, nil
}

type panickingSession struct{ tidemill.Session }

func (s *panickingSession) Exec(ctx context.Context, sql string, args ...any) (int64, error) {
	if strings.HasPrefix(sql, "CREATE TABLE") && strings.Contains(sql, "boom") {
		panic("boom")
	}
	return s.Session.Exec(ctx, sql, args...)
}

// TestPanic: a panic is an error of its node; the others are built, and no
// transaction stays open.
func TestPanic(t *testing.T) {
	p := newProject(t, `-- models/bad.sql --
{{ config(materialized='table') }} select 'boom' as x
-- models/below.sql --
select * from {{ ref('bad') }}
-- models/good.sql --
{{ config(materialized='table') }} select 1 as x
-- models/m.yml --
models: [{name: bad, columns: [{name: x, tests: [unique]}]}]
`)
	for _, threads := range []int{1, 4} {
		r := p.do(build.BuildCommand, options{wh: &panicking{p.wh}, run: build.RunOptions{Threads: threads}})
		want(t, r, map[string]build.Status{"bad": build.Errored, "unique_bad_x": build.Skipped, "below": build.Skipped, "good": build.Success})
	}
	p.check("select x from good", "1")
}

func TestCancel(t *testing.T) {
	p := newProject(t, `-- models/slow.sql --
{{ config(materialized='table') }} select count(*) as n from range(100000000000) a(x) where hash(x) = 7
-- models/after.sql --
select * from {{ ref('slow') }}
`)
	loaded, err := build.Load(t.Context(), build.Options{Dir: p.dir, Name: "p", Dialect: tidemill.DuckDB})
	if err != nil {
		t.Fatal(err)
	}
	plan, err := loaded.Select(build.BuildCommand, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	r, err := build.Run(ctx, p.wh, plan, build.RunOptions{})
	if err == nil || r.Count(build.Errored) != 1 || r.Count(build.Skipped) != 1 {
		t.Errorf("%v %+v", err, r.Results)
	}
	p.check("select count(*) from information_schema.tables where table_schema = 'main'", "0")
}

func TestFailFast(t *testing.T) {
	p := newProject(t, `-- models/a.sql --
select nosuch
-- models/b.sql --
select 1 as one
-- models/c.sql --
select 1 as one
`)
	r := p.do(build.BuildCommand, options{run: build.RunOptions{FailFast: true, Threads: 1}})
	want(t, r, map[string]build.Status{"a": build.Errored, "b": build.Skipped, "c": build.Skipped})
}
