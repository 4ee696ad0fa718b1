package build_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/tidemill/tidemill/pipeline/build"
)

// found returns the sample of a test as JSON.
func found(t *testing.T, r *build.Results, name string) string {
	t.Helper()
	for _, res := range r.Results {
		if res.Name == name {
			text, err := json.Marshal(res.Found)
			if err != nil {
				t.Fatal(err)
			}
			return string(text)
		}
	}
	t.Fatalf("no test %s", name)
	return ""
}

func TestSamples(t *testing.T) {
	p := newProject(t, `-- models/parent.sql --
select 1 as id
-- models/m.sql --
{{ config(materialized='table') }}
select * from (values (1, 'a'), (2, 'a'), (null, 'b'), (7, 'x'), (7, 'x')) t(id, word)
-- models/m.yml --
models:
  - name: m
    columns:
      - name: id
        tests:
          - not_null: {name: nulls, severity: warn}
          - not_null: {name: filtered, severity: warn, where: "word = 'a' or id is null", warn_if: '> 0'}
          - unique: {name: twice, severity: warn}
          - relationships: {name: orphans, to: ref('parent'), field: id, severity: warn}
      - name: word
        tests:
          - accepted_values: {name: words, values: [a, b]}
-- tests/wide.sql --
{{ config(severity='warn') }}
select repeat('é', 100) as long, n as number, null as nothing, 0.1::double as d, 170141183460469231731687303715884105727::hugeint as big
from {{ ref('m') }}, range(9) t(n) where id = 1 order by n desc
-- tests/none.sql --
select * from {{ ref('m') }} where id = 99
`)
	r := p.do(build.BuildCommand, options{})
	for name, want := range map[string]string{
		"nulls":    `{"columns":["id","word"],"rows":[[null,"b"]],"more":false}`,
		"filtered": `{"columns":["id","word"],"rows":[[null,"b"]],"more":false}`,
		"words":    `{"columns":["value_field","n_records"],"rows":[["x","2"]],"more":false}`,
		"none":     "null",
	} {
		if got := found(t, r, name); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	if got := found(t, r, "twice"); !strings.Contains(got, `"columns":["unique_field","n_records"],"rows":[["7","2"]]`) {
		t.Errorf("unique: %s", got)
	}
	if got := found(t, r, "orphans"); strings.Count(got, `["7"]`) != 1 || strings.Count(got, `["2"]`) != 1 {
		t.Errorf("a value that is not in the parent shows once: %s", got)
	}
	wide := found(t, r, "wide")
	if !strings.HasPrefix(wide, `{"columns":["long","number","nothing","d","big"],"rows":[["`+strings.Repeat("é", 80)+`…","8",null,"0.1","170141183460469231731687303715884105727"],`) ||
		strings.Count(wide, "é…") != 5 || !strings.HasSuffix(wide, `"more":true}`) {
		t.Errorf("wide: %s", wide)
	}
	// Tests that run alone show the same.
	p.do(build.RunCommand, options{})
	r = p.do(build.TestCommand, options{})
	if got := found(t, r, "words"); !strings.Contains(got, `["x","2"]`) {
		t.Errorf("words: %s", got)
	}
}

// TestSampleThatFails: the rows of a test can fail where their number does
// not. That holds nothing back.
func TestSampleThatFails(t *testing.T) {
	p := newProject(t, `-- models/m.sql --
{{ config(materialized='table') }} select 'a' as word
-- tests/odd.sql --
{{ config(severity='warn') }} select cast(word as int) as n from {{ ref('m') }}
`)
	r := p.do(build.BuildCommand, options{})
	want(t, r, map[string]build.Status{"m": build.Success, "odd": build.Warn})
	p.check("select word from m", "a")
	p.check("select count(*) from tidemill.models", "1")
	want(t, p.do(build.TestCommand, options{}), map[string]build.Status{"odd": build.Warn})
}
