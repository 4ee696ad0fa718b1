package render_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/pipeline/build/manifest"
	"github.com/tidemill/tidemill/pipeline/build/render"
	"github.com/tidemill/tidemill/pipeline/build/result"
)

// fake is a warehouse with one answer for each question.
type fake struct{ asked []string }

func (f *fake) Query(_ context.Context, sql string) (*result.Table, error) {
	f.asked = append(f.asked, sql)
	return &result.Table{Columns: []string{"id", "name"}, Rows: [][]any{{int64(1), "a"}, {int64(2), nil}}}, nil
}

func (f *fake) Lookup(_ context.Context, r manifest.Relation) (*render.Relation, error) {
	if r.Identifier == "missing" {
		return nil, nil
	}
	return render.NewRelation(tidemill.DuckDB, "db", r, render.ViewType), nil
}

func (f *fake) Columns(context.Context, manifest.Relation) ([]render.Column, error) {
	return []render.Column{{Name: "id", Type: "BIGINT"}, {Name: "odd name", Type: "VARCHAR"}}, nil
}

func newContext(t *testing.T, wh render.Warehouse) *render.Context {
	t.Helper()
	lib, err := render.NewLibrary("proj", tidemill.DuckDB)
	if err != nil {
		t.Fatal(err)
	}
	vars, err := render.NewVars("{a: 1, b: [x, y]}", "proj", nil)
	if err != nil {
		t.Fatal(err)
	}
	n := &manifest.Node{ID: "model.proj.m", Kind: manifest.Model, Name: "m", Config: manifest.NewConfig(manifest.Model), Relation: manifest.Relation{Database: "db", Schema: "s", Identifier: "m"}}
	return &render.Context{
		Invocation: &render.Invocation{
			Library: lib, Target: render.Target{Name: "dev", Type: "duckdb", Schema: "s", Database: "db"}, Vars: vars, ID: "run-1",
			Started: time.Date(2026, 2, 3, 4, 5, 6, 789000, time.UTC),
		},
		Node: n, Warehouse: wh,
	}
}

func TestNames(t *testing.T) {
	for in, want := range map[string]string{
		"{{ this }} {{ this.schema }} {{ this.include(database=true) }}":                                                 `"s"."m" s "db"."s"."m"`,
		"{{ target.name }} {{ target.type }} {{ target['schema'] }}":                                                     "dev duckdb s",
		"{{ var('b')[1] }} {{ var('c', 'd') }} {{ var.has_var('a') }}":                                                   "y d True",
		"{{ invocation_id }} {{ run_started_at.strftime('%Y-%m-%d %H:%M:%S.%f%%') }} {{ run_started_at }}":               "run-1 2026-02-03 04:05:06.000789% 2026-02-03 04:05:06.000789+00:00",
		"{{ tojson({'b': 1, 'a': [1.0, none, 'é']}) }}":                                                                  `{"b": 1, "a": [1.0, null, "é"]}`,
		"{{ fromjson('{\"b\": 1, \"a\": [9007199254740993]}') }}":                                                        "{'b': 1, 'a': [9007199254740993]}",
		"{{ tojson({'b': 1, 'a': [{'d': 1, 'c': 2}]}, sort_keys=true) }}":                                                `{"a": [{"c": 2, "d": 1}], "b": 1}`,
		"{{ set([1, 1, 2]) | length }} {{ zip(range(3), 'ab') | list }} {{ zip(1, default='no') }} {{ set(3, 'no') }}":   "2 [(0, 'a'), (1, 'b')] no no",
		"{{ local_md5('hello') }} {{ fromyaml('a: [1, 2]').a[1] }} {{ fromyaml('a: [', 'bad') }}":                        "5d41402abc4b2a76b9719d911017c592 2 bad",
		"{{ api.Relation.create(schema='s', identifier='i') }} {{ api.Relation.create('other', 's', 'i') }}":             `"s"."i" "other"."s"."i"`,
		"{{ dbt_version.split('.')[0] }} {{ '1' | as_number }} {{ flags.WHICH }}":                                        "1 1 None",
		"{{ dbt.listagg('a', \"';'\", 'order by b', 2) }} {{ dbt.array_construct([1, 2]) }} {{ dbt.array_construct() }}": "array_to_string((array_agg(a order by b))[1:2], ';') [1, 2] cast([] as integer[])",
		"{{ fromjson('{', 'bad') }}":                                                                                                            "bad",
		"{{ adapter.quote('a\"b') }} {{ adapter.type() }}":                                                                                      `"a""b" duckdb`,
		"{{ model.unique_id }} {{ model.config.materialized }} {{ config.get('materialized') }}":                                                "model.proj.m view view",
		"{{ dbt.dateadd('day', -1, 'd') }} {{ dbt.concat(['a', 'b']) }} {{ dbt.type_string() }}":                                                "(d + interval (-1) day) a || b varchar",
		"{{ dbt.last_day('d', 'month') }}":                                                                                                      "cast(((date_trunc('month', d) + interval (1) month) + interval (-1) day) as date)",
		"{% if execute %}{{ run_query('select 1').columns[1].values() }}{% endif %}":                                                            "('a', None)",
		"{% for r in run_query('q') %}{{ r.id }}{{ r[1] }};{% endfor %}":                                                                        "1a;2None;",
		"{% call statement('s', fetch_result=true) %}q{% endcall %}{{ load_result('s').data[0][1] }}":                                           "a",
		"{{ adapter.get_relation('db', 's', 'x').is_view }} {{ load_relation(this) }} {{ adapter.get_relation('db', 's', 'missing') is none }}": `True "s"."m" True`,
		"{% for c in adapter.get_columns_in_relation(this) %}{{ c.quoted }} {{ c.is_string() }} {% endfor %}":                                   `"id" False "odd name" True `,
	} {
		c := newContext(t, &fake{})
		tpl, err := c.Library.Parse(tidemill.Pos{File: "t.sql"}, in)
		if err != nil {
			t.Errorf("%s: %v", in, err)
			continue
		}
		got, err := tpl.Render(t.Context(), c.Scope())
		if err != nil || got != want {
			t.Errorf("%s\n%s, want\n%s (%v)", in, got, want, err)
		}
	}
}

// TestDryRunAsksNothing: while a project is read no macro reaches a warehouse.
func TestDryRunAsksNothing(t *testing.T) {
	c := newContext(t, nil)
	tpl, err := c.Library.Parse(tidemill.Pos{File: "t.sql"}, "{{ execute }}{% set x = run_query('q') %}{{ x is none }}{% call statement('s') %}q{% endcall %}{{ adapter.get_columns_in_relation(this) }}{{ is_incremental() }}")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := tpl.Render(t.Context(), c.Scope()); err != nil || got != "FalseTrue[]False" {
		t.Errorf("%q %v", got, err)
	}
}

func TestMisuse(t *testing.T) {
	for in, want := range map[string]string{
		"{{ ref() }}":               "ref() takes 1 or 2 arguments, got 0",
		"{{ ref(1) }}":              "ref() takes strings, got 1",
		"{{ source('a') }}":         "source() takes 2 arguments, got 1",
		"{{ config.require('x') }}": "config x is required and not set",
		"{% macro no(v) %}{{ exceptions.raise_compiler_error('not ' ~ v) }}{% endmacro %}{{ config.get('materialized', 'x', validator=no) }}": "not view",
		"{{ adapter.dispatch('datead') }}":                   "did you mean dateadd?",
		"{{ run_started_at.strftime('%Q') }}":                "%Q is not supported",
		"{{ exceptions.raise_compiler_error('stop here') }}": "stop here",
	} {
		c := newContext(t, &fake{})
		tpl, err := c.Library.Parse(tidemill.Pos{File: "t.sql"}, in)
		if err == nil {
			_, err = tpl.Render(t.Context(), c.Scope())
		}
		if err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "t.sql:1") {
			t.Errorf("%s: %v, want %s", in, err, want)
		}
	}
}
