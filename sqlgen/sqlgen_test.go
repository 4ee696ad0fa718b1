package sqlgen_test

import (
	"flag"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/sqlgen"
)

var update = flag.Bool("update", false, "write golden files")

// samples are the statements whose SQL is kept in golden/: one for each
// template at least. The key is the name of the golden file. A file of
// statements adds its own map here.
func samples() map[string]sqlgen.Statement {
	all := map[string]sqlgen.Statement{}
	for _, m := range []map[string]sqlgen.Statement{tableSamples, ledgerSamples, landingSamples, publishSamples, modelSamples, letterSamples, foldSamples} {
		maps.Copy(all, m)
	}
	return all
}

// TestGolden keeps the SQL of each statement as it was reviewed. Package
// connector/duckdb runs the same files on the engine.
func TestGolden(t *testing.T) {
	for name, s := range samples() {
		t.Run(name, func(t *testing.T) {
			got, err := sqlgen.Render(tidemill.DuckDB, s)
			if err != nil {
				t.Fatal(err)
			}
			file := filepath.Join("golden", "duckdb", name+".sql")
			if *update {
				if err := os.WriteFile(file, []byte(got+"\n"), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if got+"\n" != string(want) {
				t.Errorf("%s differs; run with -update and review\ngot:\n%s", file, got)
			}
		})
	}
}

// TestEveryTemplateHasGolden also finds golden files that nothing makes.
func TestEveryTemplateHasGolden(t *testing.T) {
	used := map[string]bool{}
	for _, s := range samples() {
		used[s.Template()] = true
	}
	templates, err := filepath.Glob("templates/*/*.sql.tmpl")
	if err != nil || len(templates) == 0 {
		t.Fatalf("no templates: %v", err)
	}
	for _, f := range templates {
		if name := strings.TrimSuffix(filepath.Base(f), ".sql.tmpl"); !used[name] {
			t.Errorf("%s has no sample", f)
		}
	}
	golden, err := filepath.Glob("golden/duckdb/*.sql")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range golden {
		if samples()[strings.TrimSuffix(filepath.Base(f), ".sql")] == nil {
			t.Errorf("%s belongs to no sample: remove it", f)
		}
	}
}

func TestRenderRefuses(t *testing.T) {
	for name, s := range map[string]sqlgen.Statement{
		"empty name":       sqlgen.CreateSchema{},
		"zero byte":        sqlgen.CreateSchema{Schema: "a\x00b"},
		"unknown template": unknown{},
	} {
		if sql, err := sqlgen.Render(tidemill.DuckDB, s); err == nil {
			t.Errorf("%s: rendered %q", name, sql)
		}
	}
	if _, err := sqlgen.Render("sybase", sqlgen.CreateSchema{Schema: "a"}); err == nil {
		t.Error("a dialect without templates rendered")
	}
}

type unknown struct{}

func (unknown) Template() string { return "nothing" }
