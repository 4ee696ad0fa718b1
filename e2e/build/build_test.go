// Package build_test runs projects on the real engine.
package build_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/connector/duckdb"
	"github.com/tidemill/tidemill/pipeline/build"
	"github.com/tidemill/tidemill/pipeline/build/result"
)

// project is a folder with files and a database of its own.
type project struct {
	t   *testing.T
	dir string
	wh  tidemill.Warehouse
}

// newProject writes files, given as a txtar-like text: "-- name --" lines
// begin a file.
func newProject(t *testing.T, files string) *project {
	t.Helper()
	return newProjectIn(t, "x.duckdb", files)
}

// newProjectIn is newProject with the path of the database.
func newProjectIn(t *testing.T, path, files string) *project {
	t.Helper()
	p := &project{t: t, dir: t.TempDir()}
	wh, err := duckdb.Open(t.Context(), duckdb.Connection{Path: path}, tidemill.Env{Dir: p.dir, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	p.wh = wh
	t.Cleanup(func() {
		if err := wh.Close(); err != nil {
			t.Error(err)
		}
	})
	p.write(files)
	return p
}

func (p *project) write(files string) {
	p.t.Helper()
	for _, part := range strings.Split("\n"+files, "\n-- ")[1:] {
		name, text, _ := strings.Cut(part, " --\n")
		file := filepath.Join(p.dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			p.t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text+"\n"), 0o644); err != nil {
			p.t.Fatal(err)
		}
	}
}

// options change how a command runs.
type options struct {
	run     build.RunOptions
	id      string
	include []string
	exclude []string
	vars    string
	wh      tidemill.Warehouse
}

func (p *project) do(command build.Command, o options) *build.Results {
	p.t.Helper()
	loaded, err := build.Load(p.t.Context(), build.Options{
		Dir: p.dir, Name: "p", Dialect: tidemill.DuckDB, Target: build.Target{Name: "dev", Schema: "main"}, RunID: o.id, Vars: o.vars,
	})
	if err != nil {
		p.t.Fatal(err)
	}
	plan, err := loaded.Select(command, o.include, o.exclude)
	if err != nil {
		p.t.Fatal(err)
	}
	wh := p.wh
	if o.wh != nil {
		wh = o.wh
	}
	res, err := build.Run(p.t.Context(), wh, plan, o.run)
	if err != nil {
		p.t.Fatal(err)
	}
	return res
}

// statuses are the ends of all nodes, as "name:status", in order of name.
func statuses(r *build.Results) map[string]build.Status {
	out := map[string]build.Status{}
	for _, res := range r.Results {
		out[res.Name] = res.Status
	}
	return out
}

func want(t *testing.T, r *build.Results, wanted map[string]build.Status) {
	t.Helper()
	got := statuses(r)
	for name, status := range wanted {
		if got[name] != status {
			t.Errorf("%s: %q, want %q", name, got[name], status)
		}
	}
	if t.Failed() {
		for _, res := range r.Results {
			t.Logf("%s %s: %s", res.Name, res.Status, res.Message)
		}
	}
}

// rows returns a result as lines of values with | between.
func (p *project) rows(sql string) string {
	p.t.Helper()
	s, err := p.wh.Session(context.Background())
	if err != nil {
		p.t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	table, err := result.Read(context.Background(), s, sql)
	if err != nil {
		p.t.Fatalf("%s: %v", sql, err)
	}
	var lines []string
	for _, row := range table.Rows {
		cells := make([]string, len(row))
		for i, c := range row {
			cells[i] = fmt.Sprint(c)
			if c == nil {
				cells[i] = "null"
			}
		}
		lines = append(lines, strings.Join(cells, "|"))
	}
	return strings.Join(lines, " ")
}

func (p *project) check(sql, wanted string) {
	p.t.Helper()
	if got := p.rows(sql); got != wanted {
		p.t.Errorf("%s: %s, want %s", sql, got, wanted)
	}
}

func (p *project) exec(statements ...string) {
	p.t.Helper()
	s, err := p.wh.Session(context.Background())
	if err != nil {
		p.t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	for _, sql := range statements {
		if _, err := s.Exec(context.Background(), sql); err != nil {
			p.t.Fatalf("%s: %v", sql, err)
		}
	}
}

const shop = `-- dbt_project.yml --
name: shop
vars: {limit: 10}
models:
  shop:
    marts: {+materialized: table, +schema: marts}
seeds:
  shop:
    zips: {+column_types: {zip: varchar}}
-- seeds/zips.csv --
zip,city,since,score
010,Rome,2020-01-01,1.5
020,Bern,,2
-- models/sources.yml --
sources:
  - name: raw
    tables:
      - name: orders
        columns:
          - name: id
            tests: [not_null, unique]
-- models/staging/stg_orders.sql --
{{ config(tags=['hot']) }}
select id, zip, amount from {{ source('raw', 'orders') }} where amount < {{ var('limit') }}
-- models/staging/eph.sql --
{{ config(materialized='ephemeral') }}
select * from {{ ref('stg_orders') }}
-- models/staging/eph2.sql --
{{ config(materialized='ephemeral') }}
select * from {{ ref('eph') }}
-- models/marts/orders.sql --
with joined as (
  select o.id, o.amount, z.city, o.zip
  from {{ ref('eph2') }} o left join {{ ref('zips') }} z using (zip)
)
select *, {{ dbt.concat(["'a'", "'b'"]) }} as ab, {{ twice('amount') }} as doubled from joined
-- macros/m.sql --
{% macro twice(x) %}2 * {{ x }}{% endmacro %}
{% test positive(model, column_name) %}select * from {{ model }} where {{ column_name }} <= 0{% endtest %}
-- models/marts/marts.yml --
models:
  - name: orders
    columns:
      - name: id
        data_tests: [not_null, unique, positive]
      - name: city
        data_tests:
          - accepted_values: {arguments: {values: [Rome, Bern]}}
          - not_null: {config: {severity: warn}}
      - name: zip
        data_tests:
          - relationships: {to: ref('zips'), field: zip, severity: warn}
-- tests/small.sql --
select * from {{ ref('orders') }} where amount > 100
`

func TestBuildAll(t *testing.T) {
	p := newProject(t, shop)
	p.exec("create schema raw", "create table raw.orders as select * from (values (1,'010',5),(2,'020',6),(3,'999',7),(4,'010',70)) t(id,zip,amount)")
	r := p.do(build.BuildCommand, options{})
	want(t, r, map[string]build.Status{
		"stg_orders": build.Success, "zips": build.Success, "orders": build.Success, "not_null_orders_id": build.Pass,
		"unique_orders_id": build.Pass, "positive_orders_id": build.Pass, "not_null_orders_city": build.Warn, "source_unique_raw_orders_id": build.Pass,
		"relationships_orders_zip__zip__ref_zips_": build.Warn, "accepted_values_orders_city__Rome__Bern": build.Pass, "small": build.Pass,
	})
	if r.Failed() || len(r.Results) != 12 {
		t.Errorf("%d results", len(r.Results))
	}
	p.check("select id, city, ab, doubled from main_marts.orders order by id", "1|Rome|ab|10 2|Bern|ab|12 3|null|ab|14")
	p.check("select zip, since, score from zips order by zip", "010|2020-01-01|1.5 020|null|2")
	p.check("select count(*), sum(rows) from tidemill.models", "3|5")
	p.check("select count(*) from information_schema.tables where table_name like '\\_\\_tidemill%' escape '\\'", "0")
	compiled, err := os.ReadFile(filepath.Join(p.dir, "target/compiled/shop/models/marts/orders.sql"))
	if err != nil || !strings.HasPrefix(string(compiled), "with __dbt__cte__eph as (") {
		t.Errorf("%s %v", compiled, err)
	}
}
