package build_test

import (
	"strings"
	"testing"

	"github.com/tidemill/tidemill/pipeline/build"
)

const guarded = `-- dbt_project.yml --
name: g
-- models/m.sql --
{{ config(materialized=var('how', 'table')) }}
select * from (values {{ var('values') }}) t(id)
-- models/child.sql --
{{ config(materialized='table') }}
select count(*) as n from {{ ref('m') }}
-- models/other.sql --
select 1 as one
-- models/m.yml --
models:
  - name: m
    columns: [{name: id, tests: [unique, {not_null: {severity: warn}}]}]
`

func TestFailingTestKeepsTheLastGoodVersion(t *testing.T) {
	for _, how := range []string{"table", "view"} {
		t.Run(how, func(t *testing.T) {
			p := newProject(t, guarded)
			first := p.do(build.BuildCommand, options{vars: "{values: '(1), (2)', how: " + how + "}"})
			if first.Failed() {
				t.Fatalf("%+v", first.Results)
			}
			second := p.do(build.BuildCommand, options{vars: "{values: '(3), (3), (null)', how: " + how + "}"})
			want(t, second, map[string]build.Status{
				"m": build.Errored, "unique_m_id": build.Fail, "not_null_m_id": build.Warn, "child": build.Skipped, "other": build.Success,
			})
			p.check("select id from m order by id", "1 2")
			p.check("select n from child", "2")
			p.check("select count(*) from tidemill.models where node = 'model.g.m'", "1")
			for _, res := range second.Results {
				if res.Name == "unique_m_id" && res.Failures != 1 {
					t.Errorf("failures = %d, want the number of values that are not unique", res.Failures)
				}
				if res.Name == "m" && !strings.Contains(res.Message, "not published: test unique_m_id: found 1") {
					t.Errorf("message %q", res.Message)
				}
			}
			// A warning alone does not hold the table back.
			third := p.do(build.BuildCommand, options{vars: "{values: '(4), (null)', how: " + how + "}"})
			want(t, third, map[string]build.Status{"m": build.Success, "not_null_m_id": build.Warn, "child": build.Success})
			p.check("select n from child", "2")
			p.check("select count(*) from m where id = 4", "1")
		})
	}
}

func TestKindChanges(t *testing.T) {
	p := newProject(t, guarded)
	for _, how := range []string{"table", "view", "incremental", "view", "table"} {
		if r := p.do(build.BuildCommand, options{vars: "{values: '(1)', how: " + how + "}", run: build.RunOptions{FullRefresh: true}}); r.Failed() {
			t.Fatalf("%s: %+v", how, r.Results)
		}
		p.check("select id from m", "1")
	}
}

func TestSkipsOnlyWhatDepends(t *testing.T) {
	p := newProject(t, `-- models/a.sql --
select 1 as id
-- models/bad.sql --
{{ config(materialized='table') }}
/* a comment */
select id,
  nosuch
from {{ ref('a') }}
-- models/below.sql --
select * from {{ ref('bad') }}
-- models/deeper.sql --
select * from {{ ref('below') }}
-- models/beside.sql --
select * from {{ ref('a') }}
-- models/x.yml --
models:
  - name: beside
    columns: [{name: id, tests: [{relationships: {to: ref('bad'), field: id}}, not_null]}]
`)
	r := p.do(build.BuildCommand, options{})
	want(t, r, map[string]build.Status{
		"a": build.Success, "bad": build.Errored, "below": build.Skipped, "deeper": build.Skipped, "beside": build.Success,
		"not_null_beside_id": build.Pass, "relationships_beside_id__id__ref_bad_": build.Skipped,
	})
	for _, res := range r.Results {
		if res.Name == "bad" && !strings.HasPrefix(res.Message, "models/bad.sql:4: build bad: Binder Error") {
			t.Errorf("message %q", res.Message)
		}
	}
}

func TestSourceTestsGuardModels(t *testing.T) {
	p := newProject(t, shop)
	p.exec("create schema raw", "create table raw.orders as select * from (values (1,'010',5),(1,'020',6)) t(id,zip,amount)")
	want(t, p.do(build.BuildCommand, options{}), map[string]build.Status{
		"source_unique_raw_orders_id": build.Fail, "source_not_null_raw_orders_id": build.Pass,
		"stg_orders": build.Skipped, "orders": build.Skipped, "zips": build.Success, "small": build.Skipped,
	})
	r := p.do(build.TestCommand, options{include: []string{"source:raw"}})
	want(t, r, map[string]build.Status{"source_unique_raw_orders_id": build.Fail})
	if len(r.Results) != 2 {
		t.Errorf("%d results, want the two tests of the source", len(r.Results))
	}
}

func TestThresholds(t *testing.T) {
	p := newProject(t, `-- models/m.sql --
select * from (values (null), (null), (3), (null)) t(id)
-- models/m.yml --
models:
  - name: m
    columns:
      - name: id
        tests:
          - not_null: {name: warns, error_if: '> 5', warn_if: '> 2'}
          - not_null: {name: passes, error_if: '> 5', warn_if: '> 3'}
          - not_null: {name: fails, error_if: '> 2'}
          - not_null: {name: limited, limit: 1, error_if: '> 2', warn_if: '> 2'}
          - not_null: {name: filtered, where: id = 3}
          - unique: {name: summed, fail_calc: 'coalesce(sum(n_records), 0)'}
`)
	r := p.do(build.RunCommand, options{})
	if r.Failed() {
		t.Fatalf("%+v", r.Results)
	}
	want(t, p.do(build.TestCommand, options{}), map[string]build.Status{
		"warns": build.Warn, "passes": build.Pass, "fails": build.Fail, "limited": build.Pass, "filtered": build.Pass, "summed": build.Pass,
	})
}

// TestBrokenTest: a test whose SQL is wrong is an error of that test alone, and
// holds its table back.
func TestBrokenTest(t *testing.T) {
	for name, c := range map[string]struct {
		column, broken string
	}{
		"unknown column":   {"nosuch", "not_null_m_nosuch"},
		"fails at runtime": {"cast(word as int)", "not_null_m_cast_word_as_int_"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newProject(t, `-- models/m.sql --
{{ config(materialized='table') }} select 1 as id, 'a' as word
-- models/m.yml --
models:
  - name: m
    columns: [{name: id, tests: [not_null]}, {name: "`+c.column+`", tests: [not_null]}]
`)
			r := p.do(build.BuildCommand, options{})
			want(t, r, map[string]build.Status{"m": build.Errored, c.broken: build.Errored})
			p.check("select count(*) from information_schema.tables where table_schema = 'main'", "0")
		})
	}
}
