package project_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/tidemill/tidemill/project"
)

const dbtProject = "name: jaffle\nprofile: shop\nmodel-paths: [models]\nmodels: {jaffle: {+materialized: \"{{ var('m') }}\"}}\n"

func TestDBTProject(t *testing.T) {
	const profiles = `
config: {send_anonymous_usage_stats: false}
shop:
  target: "{{ env_var('TARGET', 'dev') }}"
  outputs:
    dev: {type: duckdb, path: 'my$$/dev.duckdb', threads: 4}
    ci: {type: duckdb, path: "{{ env_var('DIR') }}/ci.duckdb", schema: "{{env_var( \"S\" , \"ci\" )}}"}
    prod: {type: snowflake, account: "{{ env_var('X') | upper }}"}
    jinja: {type: duckdb, path: "{{ target.name }}"}
    none: {type: duckdb}
`
	home := folder(t, map[string]string{".dbt/profiles.yml": profiles})
	elsewhere := folder(t, map[string]string{"profiles.yml": "shop: {target: x, outputs: {x: {type: duckdb, path: e.duckdb}}}"})
	for name, c := range map[string]struct {
		files             map[string]string
		env               map[string]string
		target            string
		path, schema, got string // got is the target
		err               string
	}{
		"no profiles":       {path: ".tidemill/jaffle.duckdb", got: "dev"},
		"no such profile":   {files: map[string]string{"profiles.yml": "other: {}"}, path: ".tidemill/jaffle.duckdb", got: "dev"},
		"no target":         {target: "prod", err: `dbt_project.yml:1:1: there is no target "prod"`},
		"home":              {env: map[string]string{"HOME": home}, path: "my$$/dev.duckdb", got: "dev"},
		"project over home": {files: map[string]string{"profiles.yml": "shop: {outputs: {dev: {type: duckdb, path: p.duckdb}}}"}, env: map[string]string{"HOME": home}, path: "p.duckdb", got: "dev"},
		"variable":          {env: map[string]string{"HOME": home, "DBT_PROFILES_DIR": elsewhere}, path: "e.duckdb", got: "x"},
		"env_var":           {files: map[string]string{"profiles.yml": profiles}, env: map[string]string{"DIR": "/tmp"}, target: "ci", path: "/tmp/ci.duckdb", schema: "ci", got: "ci"},
		"env_var of target": {files: map[string]string{"profiles.yml": profiles, ".env": "DIR=here"}, env: map[string]string{"TARGET": "ci"}, path: "here/ci.duckdb", schema: "ci", got: "ci"},
		"missing env_var":   {files: map[string]string{"profiles.yml": profiles}, target: "ci", err: "profiles.yml:7:30: DIR is not set"},
		"other type":        {files: map[string]string{"profiles.yml": profiles}, target: "prod", err: "profiles.yml:8:18: target prod is of type snowflake"},
		"other expression":  {files: map[string]string{"profiles.yml": profiles}, target: "jinja", err: "profiles.yml:9:33: only env_var is understood"},
		"no path":           {files: map[string]string{"profiles.yml": profiles}, target: "none", err: "profiles.yml:10:11: target none has no path"},
		"wrong target":      {files: map[string]string{"profiles.yml": profiles}, target: "dve", err: `profiles.yml:4:11: profile shop has no target "dve"`},
		"no outputs":        {files: map[string]string{"profiles.yml": "shop: {target: dev}"}, err: "profiles.yml:1:7: profile shop has no outputs"},
		"broken profiles":   {files: map[string]string{"profiles.yml": "shop: {"}, err: "profiles.yml:1:"},
		"no name":           {files: map[string]string{"dbt_project.yml": "profile: x"}, err: "dbt_project.yml:1:1: a dbt project needs a name"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := folder(t, map[string]string{"dbt_project.yml": dbtProject})
			for file, text := range c.files {
				write(t, filepath.Join(dir, file), text)
			}
			p, err := project.Load(dir, project.Options{Kinds: kinds(), Env: variables(c.env), Target: c.target})
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) {
					t.Fatalf("%v, want %s", err, c.err)
				}
				report(t, err)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			w := p.Warehouse().Config.(*duckdb)
			if p.Name != "jaffle" || !p.DBT || len(p.Pipelines) != 0 || w.Path != c.path || p.Schema != c.schema || p.Target != c.got {
				t.Errorf("%+v with %+v", p, w)
			}
		})
	}
}
