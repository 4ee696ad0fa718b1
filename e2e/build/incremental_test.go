package build_test

import (
	"strings"
	"testing"

	"github.com/tidemill/tidemill/pipeline/build"
)

// grown runs a model over two states of a table: the first makes it, the
// second adds to it.
func grown(t *testing.T, config, columns string) (*project, *build.Results) {
	t.Helper()
	p := newProject(t, `-- models/m.sql --
{{ config(materialized='incremental', `+config+`) }}
select `+columns+` from src
{% if is_incremental() %}where seen > (select max(seen) from {{ this }}){% endif %}
`)
	p.exec("create table src as select * from (values (1, 'a', 10), (2, 'b', 10)) t(id, v, seen)")
	if r := p.do(build.BuildCommand, options{}); r.Failed() {
		t.Fatalf("%+v", r.Results)
	}
	p.exec("insert into src values (2, 'c', 20), (3, 'd', 20)")
	return p, p.do(build.BuildCommand, options{})
}

func TestIncremental(t *testing.T) {
	for name, c := range map[string]struct{ config, rows string }{
		"append is the default":        {"", "1a 2b 2c 3d"},
		"append":                       {"unique_key='id', incremental_strategy='append'", "1a 2b 2c 3d"},
		"a key deletes and inserts":    {"unique_key='id'", "1a 2c 3d"},
		"merge":                        {"unique_key=['id'], incremental_strategy='merge'", "1a 2c 3d"},
		"merge without key appends":    {"incremental_strategy='merge'", "1a 2b 2c 3d"},
		"merge that leaves a column":   {"unique_key='id', incremental_strategy='merge', merge_exclude_columns=['v']", "1a 2b 3d"},
		"merge that updates a column":  {"unique_key='id', incremental_strategy='merge', merge_update_columns=['v']", "1a 2c 3d"},
		"two columns are one key":      {"unique_key=['id', 'v']", "1a 2b 2c 3d"},
		"a predicate limits deletions": {"unique_key='id', incremental_predicates=['DBT_INTERNAL_DEST.seen > 15']", "1a 2b 2c 3d"},
	} {
		t.Run(name, func(t *testing.T) {
			p, r := grown(t, c.config, "*")
			want(t, r, map[string]build.Status{"m": build.Success})
			p.check("select string_agg(id || v, ' ' order by id, v) from m", c.rows)
			if got := r.Results[0].Rows; got != 2 {
				t.Errorf("%d rows written, want 2", got)
			}
			if again := p.do(build.BuildCommand, options{}); again.Results[0].Rows != 0 {
				t.Errorf("nothing new wrote %d rows", again.Results[0].Rows)
			}
			p.do(build.BuildCommand, options{run: build.RunOptions{FullRefresh: true}})
			p.check("select count(*) from m", "4")
		})
	}
}

func TestMergeRefusesDuplicateKeys(t *testing.T) {
	p, _ := grown(t, "unique_key='id', incremental_strategy='merge'", "*")
	p.exec("insert into src values (9, 'x', 30), (9, 'y', 30)")
	r := p.do(build.BuildCommand, options{})
	if r.Results[0].Status != build.Errored || !strings.Contains(r.Results[0].Message, "1 values of unique_key (id)") {
		t.Errorf("%+v", r.Results[0])
	}
	p.check("select count(*) from m where id = 9", "0")
}

func TestSchemaChange(t *testing.T) {
	for change, c := range map[string]struct {
		columns, rows string
		status        build.Status
	}{
		"ignore":             {"id, seen, v, 7 as extra", "1|a 2|c 3|d", build.Success},
		"fail":               {"id, seen, v, 7 as extra", "1|a 2|b", build.Errored},
		"append_new_columns": {"id, seen, 7 as extra", "1|a|null 2|null|7 3|null|7", build.Success},
		"sync_all_columns":   {"id, seen::bigint as seen, 7 as extra", "1|null 2|7 3|7", build.Success},
	} {
		t.Run(change, func(t *testing.T) {
			model := func(columns string) string {
				return "-- models/m.sql --\n{{ config(materialized='incremental', unique_key='id', on_schema_change='" + change + "') }}\nselect " + columns +
					" from src\n{% if is_incremental() %}where seen > (select max(seen) from {{ this }}){% endif %}\n"
			}
			p := newProject(t, model("id, seen, v"))
			p.exec("create table src as select * from (values (1, 'a', 10), (2, 'b', 10)) t(id, v, seen)")
			p.do(build.BuildCommand, options{})
			p.exec("insert into src values (2, 'c', 20), (3, 'd', 20)")
			p.write(model(c.columns))
			want(t, p.do(build.BuildCommand, options{}), map[string]build.Status{"m": c.status})
			p.check("select * exclude (seen) from m order by id", c.rows)
		})
	}
}

// TestIncrementalIsAudited: rows are merged, tested, and taken back.
func TestIncrementalIsAudited(t *testing.T) {
	p := newProject(t, `-- models/m.sql --
{{ config(materialized='incremental') }} select * from src
{% if is_incremental() %}where seen > (select max(seen) from {{ this }}){% endif %}
-- models/m.yml --
models: [{name: m, columns: [{name: id, tests: [unique]}]}]
`)
	p.exec("create table src as select 1 as id, 10 as seen")
	if r := p.do(build.BuildCommand, options{}); r.Failed() {
		t.Fatalf("%+v", r.Results)
	}
	p.exec("insert into src values (1, 20)")
	want(t, p.do(build.BuildCommand, options{}), map[string]build.Status{"m": build.Errored, "unique_m_id": build.Fail})
	p.check("select * from m", "1|10")
}

// TestRunIDRunsOnce: a run that is repeated under its id appends nothing.
func TestRunIDRunsOnce(t *testing.T) {
	p := newProject(t, `-- models/m.sql --
{{ config(materialized='incremental') }} select 1 as id
-- models/after.sql --
{{ config(materialized='table') }} select count(*) as n, error_or_not from {{ ref('m') }}, (select {{ var('col') }} as error_or_not) group by all
`)
	first := p.do(build.BuildCommand, options{id: "r1", vars: "{col: nosuch}"})
	want(t, first, map[string]build.Status{"m": build.Success, "after": build.Errored})
	second := p.do(build.BuildCommand, options{id: "r1", vars: "{col: 1}"})
	want(t, second, map[string]build.Status{"m": build.Success, "after": build.Success})
	p.check("select count(*) from m", "1")
	if !second.Results[0].Repeated || second.Results[1].Repeated {
		t.Errorf("%+v", second.Results)
	}
	p.do(build.BuildCommand, options{id: "r2", vars: "{col: 1}"})
	p.check("select count(*) from m", "2")
}
