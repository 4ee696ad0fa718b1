package build_test

import (
	"strings"
	"testing"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/pipeline/build"
)

// partial has tests of m that read what a selection of m leaves out: through
// an ephemeral model, of a source, in another schema.
const partial = `-- dbt_project.yml --
name: g
-- models/m.sql --
{{ config(materialized='table') }}
select 1 as id
-- models/dim.sql --
{{ config(schema='marts', tags=['dims']) }}
select 1 as id
-- models/between.sql --
{{ config(materialized='ephemeral') }}
select * from {{ ref('dim') }}
-- models/models.yml --
sources:
  - name: raw
    tables: [{name: events}]
models:
  - name: m
    columns:
      - name: id
        tests:
          - not_null
          - relationships: {name: in_dim, to: ref('dim'), field: id}
-- tests/through.sql --
select id from {{ ref('m') }} where id not in (select id from {{ ref('between') }})
-- tests/landed.sql --
select id from {{ ref('m') }} where id not in (select id from {{ source('raw', 'events') }} join {{ ref('dim') }} using (id))
`

func message(r *build.Results, name string) string {
	for _, res := range r.Results {
		if res.Name == name {
			return res.Message
		}
	}
	return ""
}

func TestAbsentParentsHoldNothingBack(t *testing.T) {
	for _, include := range []string{"m", "+m", "m+", "path:models/m.sql"} {
		t.Run(include, func(t *testing.T) {
			p := newProject(t, partial)
			r := p.do(build.BuildCommand, options{include: []string{include}})
			want(t, r, map[string]build.Status{
				"m": build.Success, "not_null_m_id": build.Pass,
				"in_dim": build.Skipped, "through": build.Skipped, "landed": build.Skipped,
			})
			for name, why := range map[string]string{
				"in_dim":  "needs dim, which is neither selected nor built",
				"through": "needs dim, which is neither selected nor built",
				"landed":  "needs dim and raw.events, which are neither selected nor in the warehouse",
			} {
				if got := message(r, name); got != why {
					t.Errorf("%s: %q, want %q", name, got, why)
				}
			}
			p.check("select id from m", "1")
			want(t, p.do(build.BuildCommand, options{include: []string{include}, id: "again"}), map[string]build.Status{"m": build.Success})
			again := p.do(build.BuildCommand, options{include: []string{include}, id: "again"})
			want(t, again, map[string]build.Status{"m": build.Success, "not_null_m_id": build.Pass, "in_dim": build.Skipped})
			if !again.Results[0].Repeated {
				t.Errorf("%+v was done twice", again.Results[0])
			}
			want(t, p.do(build.TestCommand, options{include: []string{include}}), map[string]build.Status{"not_null_m_id": build.Pass, "in_dim": build.Skipped})
		})
	}
}

// TestParentsThatAreThere: a selection runs all tests of what it builds as
// soon as they have what they read.
func TestParentsThatAreThere(t *testing.T) {
	p := newProject(t, partial)
	p.exec("create schema raw", "create table raw.events as select 1 as id")
	p.do(build.BuildCommand, options{include: []string{"dim"}})
	want(t, p.do(build.BuildCommand, options{include: []string{"m"}}), map[string]build.Status{
		"m": build.Success, "in_dim": build.Pass, "through": build.Pass, "landed": build.Pass,
	})
	p.exec("create or replace view main_marts.dim as select 2 as id")
	want(t, p.do(build.BuildCommand, options{include: []string{"m"}}), map[string]build.Status{"m": build.Errored, "in_dim": build.Fail})
}

// TestAskedForTestsRun: a test that was asked for says itself what it misses,
// and one that reads what was selected holds its table back as ever.
func TestAskedForTestsRun(t *testing.T) {
	for _, include := range [][]string{{"m", "in_dim"}, {"m", "test_name:relationships"}} {
		p := newProject(t, partial)
		r := p.do(build.BuildCommand, options{include: include})
		want(t, r, map[string]build.Status{"m": build.Errored, "in_dim": build.Errored})
		p.check("select count(*) from information_schema.tables where table_schema = 'main'", "0")
	}
	p := newProject(t, partial)
	want(t, p.do(build.TestCommand, options{include: []string{"m"}}), map[string]build.Status{"not_null_m_id": build.Errored, "in_dim": build.Skipped})
}

// TestBlockedHint: the hint of a node that a test blocked tells what readers
// have, and where the test's SQL is.
func TestBlockedHint(t *testing.T) {
	p := newProject(t, guarded)
	for _, c := range []struct{ vars, want string }{
		{"{values: '(3), (3)'}", "it has no version that readers could see yet; the SQL of the test is in target/compiled/g/models/m.yml/unique_m_id.sql"},
		{"{values: '(3)'}", ""},
		{"{values: '(3), (3)'}", "readers keep the version that was there; the SQL of the test is in target/compiled/g/models/m.yml/unique_m_id.sql"},
	} {
		r := p.do(build.BuildCommand, options{vars: c.vars})
		for _, res := range r.Results {
			if got := strings.Join(tidemill.Hints(res.Err), " "); res.Name == "m" && got != c.want {
				t.Errorf("%s: hint %q, want %q", c.vars, got, c.want)
			}
		}
	}
	r := p.do(build.BuildCommand, options{vars: "{values: '(4), (4)'}", run: build.RunOptions{Output: "-"}})
	for _, res := range r.Results {
		if got := strings.Join(tidemill.Hints(res.Err), " "); res.Name == "m" && got != "readers keep the version that was there" {
			t.Errorf("without files: hint %q", got)
		}
	}
}
