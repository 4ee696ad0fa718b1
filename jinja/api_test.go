package jinja_test

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/jinja"
)

func parse(t testing.TB, name, src string) *jinja.Template {
	t.Helper()
	tmpl, err := jinja.NewEnv(jinja.Options{}).Parse(name, src)
	if err != nil {
		t.Fatal(err)
	}
	return tmpl
}

// project binds the macros of several files to one scope, as a dbt project
// does: each macro sees all others and the scope's vars.
func project(t testing.TB, vars map[string]any, files map[string]string) *jinja.Scope {
	t.Helper()
	macros := map[string]*jinja.Macro{}
	for name, src := range files {
		for _, m := range parse(t, name, src).Macros() {
			macros[m.Name] = m
		}
	}
	scope := &jinja.Scope{Vars: vars}
	scope.Resolve = func(name string) (any, bool) {
		if m, ok := macros[name]; ok {
			return m.Bind(scope), true
		}
		return nil, false
	}
	return scope
}

func TestMacrosSeeEachOther(t *testing.T) {
	scope := project(t, map[string]any{"target": "dev"}, map[string]string{
		"macros/a.sql": "{% set prefix = 'p_' %}{% macro a(x) %}{{ prefix }}{{ b(x) }}{% endmacro %}",
		"macros/b.sql": "{% macro b(x) %}{{ return(target ~ c(x) ~ later) }}{% endmacro %}{% macro c(x) %}<{{ x }}>{% endmacro %}",
	})
	scope.Vars["later"] = "!" // looked up when used, not when bound
	got, err := parse(t, "m.sql", "{{ a(1) }}{{ prefix is defined }}").Render(context.Background(), scope)
	if want := "p_dev<1>!False"; err != nil || got != want {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
}

func TestMacroTags(t *testing.T) {
	tmpl := parse(t, "m.sql", `{% test positive(model, column_name) %}select {{ column_name }} from {{ model }}{% endtest %}
{% materialization thing, adapter='duckdb', supported_languages=['sql'] %}{{ return(1) }}{% endmaterialization %}
{% materialization thing, default %}x{% endmaterialization %}
{% macro plain(a, b=1) %}{% macro inner() %}{% endmacro %}{% endmacro %}`)
	var got []string
	for _, m := range tmpl.Macros() {
		got = append(got, fmt.Sprintf("%s %v %v %d", m.Name, m.Params, m.Languages, m.Pos.Line))
	}
	want := []string{
		"test_positive [model column_name] [] 1", "materialization_thing_duckdb [] [sql] 2",
		"materialization_thing_default [] [] 3", "plain [a b] [] 4",
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
	v, err := tmpl.Macros()[0].Call(context.Background(), nil, []any{"t"}, jinja.Kwarg{Name: "column_name", Value: "c"})
	if err != nil || v != "select c from t" {
		t.Errorf("got %v, %v", v, err)
	}
}

func TestBlocks(t *testing.T) {
	tmpl := parse(t, "d.md", "intro\n{% docs orders %}\nText with {{ braces }} and {% tags %}.\n{% enddocs %}\n{% snapshot s -%}\n select {{ 1 + 1 }}\n{%- endsnapshot %}")
	b := tmpl.Blocks()
	if len(b) != 2 || b[0].Kind != "docs" || b[0].Name != "orders" || strings.TrimSpace(b[0].Text) != "Text with {{ braces }} and {% tags %}." {
		t.Fatalf("got %+v", b)
	}
	if pos := tmpl.BlockPos(b[1]); pos.Line != 5 {
		t.Errorf("snapshot is at %v", pos)
	}
	got, err := b[1].Template.Render(context.Background(), nil)
	if err != nil || got != "select 2" || strings.TrimSpace(b[1].Text) != "select {{ 1 + 1 }}" {
		t.Errorf("got %q from %q, %v", got, b[1].Text, err)
	}
}

func TestErrorsNameTheMacroStack(t *testing.T) {
	scope := project(t, nil, map[string]string{
		"macros/outer.sql": "{% macro outer() %}\n{{ inner(1) }}\n{% endmacro %}",
		"macros/inner.sql": "\n\n{% macro inner(x) %}\n  {{ x.nope.deeper }}\n{% endmacro %}",
	})
	_, err := parse(t, "models/m.sql", "select\n{{ outer() }}").Render(context.Background(), scope)
	var e *tidemill.Error
	if !errors.As(err, &e) || e.Code != tidemill.Invalid || e.Pos != (tidemill.Pos{File: "macros/inner.sql", Line: 4, Column: 12}) {
		t.Fatalf("got %#v", err)
	}
	want := "macros/inner.sql:4:12: 'int object' has no attribute 'nope' in macro inner (macros/inner.sql:3) called from macros/outer.sql:2, in macro outer (macros/outer.sql:1) called from models/m.sql:2 [invalid]"
	if err.Error() != want {
		t.Errorf("got  %s\nwant %s", err, want)
	}
}

func TestErrorsOfFunctionsKeepTheirCode(t *testing.T) {
	cause := errors.New("the cause")
	vars := map[string]any{
		"coded": jinja.Func(func(*jinja.Call) (any, error) {
			return nil, &tidemill.Error{Code: tidemill.NotFound, Err: cause, Hint: "try this"}
		}),
		"plain":   jinja.Func(func(*jinja.Call) (any, error) { return nil, fmt.Errorf("wrapped: %w", cause) }),
		"invoker": jinja.Func(func(c *jinja.Call) (any, error) { return c.Invoke(c.Args[0], nil) }),
	}
	for src, code := range map[string]tidemill.Code{"a\n{{ coded() }}": tidemill.NotFound, "a\n{{ plain() }}": tidemill.Invalid, "a\n{{ invoker(plain) }}": tidemill.Invalid} {
		_, err := render(t, src, vars)
		var e *tidemill.Error
		if !errors.As(err, &e) || e.Code != code || e.Pos.Line != 2 || !errors.Is(err, cause) {
			t.Errorf("%s: got %v", src, err)
		}
		if code == tidemill.NotFound && e.Hint != "try this" {
			t.Errorf("hint is %q", e.Hint)
		}
	}
}

func TestParseAtCountsFromTheFile(t *testing.T) {
	env := jinja.NewEnv(jinja.Options{})
	at := tidemill.Pos{File: "schema.yml", Line: 10, Column: 7}
	for src, want := range map[string]string{"{{ a. }}": "schema.yml:10:13", "x\n{{ 1 / 0 }}": "schema.yml:11:6"} {
		tmpl, err := env.ParseAt(at, src)
		if err == nil {
			_, err = tmpl.Render(context.Background(), nil)
		}
		var e *tidemill.Error
		if !errors.As(err, &e) || e.Pos.String() != want {
			t.Errorf("%q: got %v, want %s", src, err, want)
		}
	}
}

func TestCalls(t *testing.T) {
	tmpl := parse(t, "m.sql", `{{ config(materialized='table', tags=["a", 'b'], meta={'k': -1}) }}
select * from {{ ref('a') }} {% if x %}join {{ ref("pkg", 'b', v=2) }}{% endif %}
{% macro m() %}{{ ref(name) }}{{ config.get('x', none) }}{% endmacro %}{{ other('c') }}`)
	var got []string
	for _, c := range tmpl.Calls("ref", "config", "config.get") {
		s := fmt.Sprintf("%d:%d %s %v", c.Pos.Line, c.Pos.Column, c.Name, c.Literal)
		for _, a := range c.Args {
			s += " " + jinja.Repr(a)
		}
		for _, k := range c.Kwargs {
			s += " " + k.Name + "=" + jinja.Repr(k.Value)
		}
		got = append(got, s)
	}
	want := []string{
		"1:4 config true materialized='table' tags=['a', 'b'] meta={'k': -1}",
		"2:18 ref true 'a'", "2:48 ref true 'pkg' 'b' v=2",
		"3:19 ref false", "3:34 config.get true 'x' None",
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if names := tmpl.Names(); !reflect.DeepEqual(names, []string{"config", "name", "other", "ref", "x"}) {
		t.Errorf("names are %v", names)
	}
}

func TestPlain(t *testing.T) {
	for src, want := range map[string]bool{"select {1} from t": true, "a {{ 1 }}": false, "{# c #}": false, "": true} {
		if got := parse(t, "t", src).Plain(); got != want {
			t.Errorf("%q: got %v", src, got)
		}
	}
}

func TestEval(t *testing.T) {
	for src, want := range map[string]any{
		" {{ 1 + 1 }} ": int64(2), "{{ none }}": nil, "a{{ 1 }}": "a1", "{{ 1 }}{{ 2 }}": "12",
		"text": "text", "{{ 2 ** 70 }}": new(big.Int).Lsh(big.NewInt(1), 70),
	} {
		got, err := parse(t, "t", src).Eval(context.Background(), nil)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%q: got %v, %v, want %v", src, got, err, want)
		}
	}
}

func TestConvert(t *testing.T) {
	type item struct{ Key, Value any }
	in := map[string]any{"b": []int{1, 2}, "a": []item{{"z", 1}, {"y", map[int]string{2: "two"}}}, "f": float32(0.5), "u": uint64(1 << 63), "n": nil}
	if got, want := jinja.Repr(jinja.FromGo(in)), "{'a': {'z': 1, 'y': {2: 'two'}}, 'b': [1, 2], 'f': 0.5, 'n': None, 'u': 9223372036854775808}"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	v, err := jinja.FromJSON(`{"b": [1, 2.5, null], "a": {"c": "d"}}`)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := jinja.ToGo(v), map[string]any{"b": []any{int64(1), 2.5, nil}, "a": map[string]any{"c": "d"}}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestLimits(t *testing.T) {
	env := jinja.NewEnv(jinja.Options{Limits: jinja.Limits{Output: 1 << 20, Steps: 100_000, Memory: 4 << 20, Depth: 50}})
	for name, src := range map[string]string{
		"steps":             "{% for x in range(10 ** 9) %}{% endfor %}",
		"nested loops":      "{% for x in range(1000) %}{% for y in range(1000) %}{% endfor %}{% endfor %}",
		"output":            "{% for x in range(1000) %}{{ 'x' * 10000 }}{% endfor %}",
		"string":            "{{ 'x' * 10 ** 12 }}",
		"huge count":        "{{ 'x' * 10 ** 30 }}",
		"doubling":          "{% set ns = namespace(s='x') %}{% for x in range(100) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}",
		"doubling lists":    "{% set ns = namespace(s=[1]) %}{% for x in range(100) %}{% set ns.s = ns.s + ns.s %}{% endfor %}",
		"growing list":      "{% set l = [1] %}{% for x in l %}{% do l.append(x) %}{% endfor %}",
		"recursion":         "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
		"loop recursion":    "{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}",
		"power":             "{{ 10 ** (10 ** 10) }}",
		"shift by products": "{% set ns = namespace(n=2) %}{% for x in range(100) %}{% set ns.n = ns.n * ns.n %}{% endfor %}",
		"shared nesting":    "{% set ns = namespace(s=[1]) %}{% for x in range(60) %}{% set ns.s = [ns.s, ns.s] %}{% endfor %}{{ ns.s }}",
		"shared equality":   "{% set a = namespace(s=[1]) %}{% set b = namespace(s=[1]) %}{% for x in range(60) %}{% set a.s = [a.s, a.s] %}{% set b.s = [b.s, b.s] %}{% endfor %}{{ a.s == b.s }}",
		"deep values":       "{% set ns = namespace(s=[]) %}{% for x in range(5000) %}{% set ns.s = [ns.s] %}{% endfor %}{{ ns.s }}",
		"deep json":         "{% set l = [] %}{% do l.append(l) %}{{ l | tojson }}",
		"deep equality":     "{% set l = [] %}{% do l.append(l) %}{% set m = [] %}{% do m.append(m) %}{{ l == m }}",
		"deep keys":         "{% set ns = namespace(s=()) %}{% for x in range(5000) %}{% set ns.s = (ns.s,) %}{% endfor %}{{ {ns.s: 1} }}",
		"replace":           "{{ ('x' * 10000) | replace('x', 'y' * 10000) }}",
		"format width":      "{{ '%2000000d' % 1 }}",
		"format precision":  "{{ '{:.99999999f}'.format(1.0) }}",
		"pad":               "{{ 'x'.ljust(10 ** 9) }}",
		"indent":            "{{ ('\\n' * 10000 ~ 'x') | indent(10 ** 6, blank=true) }}",
		"batch fill":        "{{ [1] | batch(10 ** 9, 'x') | list }}",
		"slices":            "{{ [1] | slice(10 ** 9) | list }}",
		"star args":         "{{ range(*range(10 ** 8)) }}",
	} {
		t.Run(name, func(t *testing.T) {
			tmpl, err := env.Parse("t", src)
			if err != nil {
				t.Fatal(err)
			}
			start := time.Now()
			out, err := tmpl.Render(context.Background(), nil)
			if err == nil || tidemill.CodeOf(err) != tidemill.Invalid {
				t.Errorf("got %d bytes, %v", len(out), err)
			}
			if strings.HasSuffix(name, "recursion") && !strings.Contains(err.Error(), "nested more than 50 deep") {
				t.Errorf("another limit came first: %v", err)
			}
			if d := time.Since(start); d > 5*time.Second {
				t.Errorf("took %v", d)
			}
		})
	}
}

func TestDeepSourceIsRefused(t *testing.T) {
	env := jinja.NewEnv(jinja.Options{})
	for _, src := range []string{
		"{{ " + strings.Repeat("(", 100_000), "{{ " + strings.Repeat("[", 100_000), "{{ " + strings.Repeat("not ", 100_000) + "1 }}",
		"{{ " + strings.Repeat("-", 100_000) + "1 }}", "{{ 1" + strings.Repeat("+1", 100_000) + " }}", "{{ a" + strings.Repeat(".b", 100_000) + " }}",
		"{{ a" + strings.Repeat("|e", 100_000) + " }}", strings.Repeat("{% if 1 %}", 100_000), "{{ 1" + strings.Repeat(" if 1 else 1", 100_000) + " }}",
		"{% set " + strings.Repeat("(", 100_000), "{{ a" + strings.Repeat("()", 100_000) + " }}", "{{ 1" + strings.Repeat("**1", 100_000) + " }}",
	} {
		if _, err := env.Parse("t", src); err == nil {
			t.Errorf("%.20s... passed", src)
		}
	}
}

func TestContextEndsARender(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	_, err := parse(t, "t", "{% for x in range(10 ** 12) %}{% endfor %}").Render(ctx, nil)
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

func TestConcurrentRenders(t *testing.T) {
	scope := project(t, map[string]any{"xs": jinja.NewList("a", "b")}, map[string]string{
		"m.sql": "{% set l = [] %}{% macro m(x) %}{% do l.append(x) %}{{ l | join }}{{ 1 if false }}{% endmacro %}",
	})
	tmpl := parse(t, "t", "{% set ns = namespace(n=0) %}{% for x in xs %}{% set ns.n = ns.n + 1 %}{{ m(x) }}{{ loop.index }}{% endfor %}{{ ns.n }}")
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				if got, err := tmpl.Render(context.Background(), scope); err != nil || got != "a1b22" {
					t.Errorf("got %q, %v", got, err)
					return
				}
			}
		})
	}
	wg.Wait()
}
