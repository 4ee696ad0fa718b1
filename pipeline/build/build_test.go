package build_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/pipeline/build"
)

var update = flag.Bool("update", false, "write golden files")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func load(t testing.TB, dir string) (*build.Project, error) {
	t.Helper()
	return build.Load(t.Context(), build.Options{
		Dir: dir, Name: "p", Dialect: tidemill.DuckDB, Target: build.Target{Name: "dev", Schema: "main", Database: "db"},
		Env: func(name string) (string, bool) { return "from " + name, name == "SET" },
	})
}

// TestGolden compiles each project of testdata/golden without a warehouse and
// compares the SQL of all its nodes, and what is known of them.
func TestGolden(t *testing.T) {
	dirs, err := filepath.Glob("testdata/golden/*")
	if err != nil || len(dirs) == 0 {
		t.Fatalf("no projects: %v", err)
	}
	for _, dir := range dirs {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			p, err := load(t, dir)
			if err != nil {
				t.Fatal(err)
			}
			plan, err := p.Select(build.CompileCommand, nil, nil)
			if err != nil {
				t.Fatal(err)
			}
			r, err := build.Compile(t.Context(), nil, plan, build.RunOptions{Output: "-"})
			if err != nil {
				t.Fatal(err)
			}
			var b strings.Builder
			for _, res := range r.Results {
				n := p.Nodes[res.Node]
				fmt.Fprintf(&b, "=== %s\nfile: %s\nrelation: %s\nconfig: %s tags %v severity %q\ndepends on: %s\nstatus: %s %s\n\n%s\n\n",
					n.ID, n.Pos, n.Relation, n.Config.Materialized, n.Config.Tags, n.Config.Severity, strings.Join(n.DependsOn, " "), res.Status, res.Message, res.SQL)
			}
			golden := filepath.Join("testdata", filepath.Base(dir)+".golden")
			if *update {
				if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if b.String() != string(want) {
				t.Errorf("%s differs; run with -update and review\n%s", golden, b.String())
			}
		})
	}
}

func write(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestErrors(t *testing.T) {
	for name, c := range map[string]struct {
		files map[string]string
		want  []string
	}{
		"nothing there":    {map[string]string{"x": ""}, []string{"has neither dbt_project.yml nor models/"}},
		"ref to nothing":   {map[string]string{"models/orders.sql": "select 1", "models/b.sql": "select 1\nfrom {{ ref('oders') }}"}, []string{"models/b.sql:2:", `there is no model or seed "oders"`, `did you mean "orders"?`}},
		"source":           {map[string]string{"models/b.sql": "from {{ source('raw', 'x') }}", "models/s.yml": "sources: [{name: raw, tables: [{name: y}]}]"}, []string{"models/b.sql:1:", `there is no source "raw.x"`, `did you mean "raw.y"?`}},
		"cycle":            {map[string]string{"models/a.sql": "{{ ref('c') }}", "models/b.sql": "{{ ref('a') }}", "models/c.sql": "{{ ref('b') }}"}, []string{"models/a.sql:1:", "models form a cycle: a -> b -> c -> a"}},
		"duplicate":        {map[string]string{"models/a.sql": "select 1", "models/x/a.sql": "select 1"}, []string{`models/x/a.sql:1:1: model "a" has the name of a model in models/a.sql`}},
		"two in one place": {map[string]string{"models/a.sql": "select 1", "models/b.sql": "{{ config(alias='A') }} select 1"}, []string{"a and b are both built as db.main.A"}},
		"config in SQL":    {map[string]string{"models/a.sql": "\n{{ config(materialised='table') }}"}, []string{"models/a.sql:2:", `unknown config key of a model "materialised"`, `did you mean "materialized"?`}},
		"config in YAML":   {map[string]string{"models/a.sql": "x", "models/a.yml": "models:\n  - name: a\n    config: {pre_hook: x}"}, []string{`models/a.yml:3:14: config key "pre_hook" is not supported yet`}},
		"config in tree":   {map[string]string{"models/a.sql": "x", "dbt_project.yml": "name: p\nmodels:\n  p:\n    gone:\n      +materialised: view"}, []string{`dbt_project.yml:5:7: unknown config key of a model "materialised"`}},
		"value":            {map[string]string{"models/a.sql": "{{ config(materialized='tabel') }}"}, []string{`"tabel" is not one of view, table, incremental, ephemeral`, `did you mean "table"?`}},
		"project key":      {map[string]string{"dbt_project.yml": "name: p\nmodel-path: [x]"}, []string{`dbt_project.yml:2:1: unknown key of dbt_project.yml "model-path"`, `did you mean "model-paths"?`}},
		"hooks":            {map[string]string{"dbt_project.yml": "name: p\non-run-start: x"}, []string{"on-run-start is not supported yet"}},
		"patch":            {map[string]string{"models/orders.sql": "x", "models/a.yml": "models: [{name: order}]"}, []string{`models/a.yml:1:17: there is no model "order"`, `did you mean "orders"?`}},
		"test":             {map[string]string{"models/a.sql": "x", "models/a.yml": "models: [{name: a, columns: [{name: b, tests: [uniqe]}]}]"}, []string{`there is no test "uniqe"`, `did you mean "unique"?`}},
		"test argument":    {map[string]string{"models/a.sql": "x", "models/a.yml": "models: [{name: a, columns: [{name: b, tests: [{unique: {x: 1}}]}]}]"}, []string{"models/a.yml:1:49: test: ", "macro 'test_unique' takes no keyword argument 'x'"}},
		"store failures":   {map[string]string{"models/a.sql": "x", "models/a.yml": "models: [{name: a, columns: [{name: b, tests: [{unique: {store_failures: true}}]}]}]"}, []string{`config key "store_failures" is not supported yet`}},
		"variable":         {map[string]string{"models/a.sql": "{{ var('limt') }}", "dbt_project.yml": "name: p\nvars: {limit: 1}"}, []string{"models/a.sql:1:", `variable "limt" is not set`, `did you mean "limit"?`}},
		"environment":      {map[string]string{"models/a.sql": "{{ env_var('SET') }} {{ env_var('UNSET') }}"}, []string{"models/a.sql:1:", "environment variable UNSET is not set"}},
		"version":          {map[string]string{"models/a.sql": "{{ ref('a', v=2) }}"}, []string{"models/a.sql:1:", "versions of models are not supported yet"}},
		"macro twice":      {map[string]string{"models/a.sql": "x", "macros/a.sql": "{% macro m() %}{% endmacro %}", "macros/b.sql": "{% macro m() %}{% endmacro %}"}, []string{"macro m stands twice"}},
		"raised":           {map[string]string{"models/a.sql": "{{ stop() }}", "macros/a.sql": "{% macro stop() %}\n{{ exceptions.raise_compiler_error('no way') }}{% endmacro %}"}, []string{"macros/a.sql:2:", "no way"}},
		"syntax":           {map[string]string{"models/a.sql": "a\n{% if %}"}, []string{"models/a.sql:2:"}},
		"disabled":         {map[string]string{"models/a.sql": "{{ config(enabled=false) }}", "models/b.sql": "{{ ref('a') }}"}, []string{"b reads a, which is disabled"}},
		"several":          {map[string]string{"models/a.sql": "{{ ref('x') }}", "models/b.sql": "{{ ref('y') }}"}, []string{"models/a.sql:1:", "models/b.sql:1:"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := load(t, write(t, c.files))
			if err == nil {
				t.Fatal("no error")
			}
			text := err.Error() + "\n" + strings.Join(tidemill.Hints(err), "\n")
			for _, w := range c.want {
				if !strings.Contains(text, w) {
					t.Errorf("%s\nwant %s", text, w)
				}
			}
		})
	}
}

// TestManyErrors: of very many errors the first are shown, and how many more
// there are.
func TestManyErrors(t *testing.T) {
	files := map[string]string{}
	for i := range 30 {
		files[fmt.Sprintf("models/m%d.sql", i)] = "{{ ref('nothing') }}"
	}
	_, err := load(t, write(t, files))
	if err == nil || strings.Count(err.Error(), "there is no model") != 20 || !strings.HasSuffix(err.Error(), "and 10 more") {
		t.Errorf("%v", err)
	}
}

// TestPlan: each command has its kinds of nodes, in an order that can be built.
func TestPlan(t *testing.T) {
	p, err := load(t, "testdata/golden/basics")
	if err != nil {
		t.Fatal(err)
	}
	for command, want := range map[build.Command]int{
		build.BuildCommand: 14, build.RunCommand: 5, build.TestCommand: 8, build.SeedCommand: 1, build.CompileCommand: 13, build.ListCommand: 15,
	} {
		plan, err := p.Select(command, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		if len(plan.Nodes) != want {
			t.Errorf("%s: %d nodes, want %d", command, len(plan.Nodes), want)
		}
		place := map[string]int{}
		for i, n := range plan.Nodes {
			place[n.ID] = i
			for _, dep := range n.DependsOn {
				if at, ok := place[dep]; !ok && p.Nodes[dep].Kind == n.Kind || at > i {
					t.Errorf("%s: %s stands before %s, which it reads", command, n.Name, dep)
				}
			}
		}
	}
	if _, err := p.Select("deploy", nil, nil); err == nil {
		t.Error("an unknown command made a plan")
	}
}

// big is a project of n models in layers, with tests.
func big(t testing.TB, n int) string {
	files := map[string]string{"dbt_project.yml": "name: big\n", "macros/m.sql": "{% macro up(c) %}upper({{ c }}){% endmacro %}"}
	for i := range n {
		from := "{{ source('raw', 'events') }}"
		if i >= 20 {
			from = fmt.Sprintf("{{ ref('m%d') }} a join {{ ref('m%d') }} b using (id)", i-20, i-10)
		}
		files[fmt.Sprintf("models/l%d/m%d.sql", i/20, i)] = "{{ config(materialized='table', tags=['x']) }}\nselect id, {{ up('name') }} as name,\n{% for c in ['a', 'b', 'c'] %}sum({{ c }}) as {{ c }}{{ ',' if not loop.last }}{% endfor %}\nfrom " + from
		files[fmt.Sprintf("models/l%d/m%d.yml", i/20, i)] = fmt.Sprintf("models: [{name: m%d, columns: [{name: id, tests: [unique, not_null]}]}]", i)
	}
	files["models/s.yml"] = "sources: [{name: raw, tables: [{name: events, columns: [{name: id, tests: [not_null]}]}]}]"
	return write(t, files)
}

func BenchmarkLoad500(b *testing.B) {
	dir := big(b, 500)
	for b.Loop() {
		if _, err := load(b, dir); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCompile500(b *testing.B) {
	p, err := load(b, big(b, 500))
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		plan, err := p.Select(build.CompileCommand, nil, nil)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := build.Compile(b.Context(), nil, plan, build.RunOptions{Output: "-"}); err != nil {
			b.Fatal(err)
		}
	}
}
