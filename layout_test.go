package tidemill_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/tidemill/tidemill"

// layers is the import rule of ARCHITECTURE.md: a package imports only what
// stands in an earlier layer, or its own folder. Stages (pipeline/X) do not
// import each other, nor connectors one another.
var layers = [][]string{
	{"", "internal"},
	{"project", "jinja", "sqlgen", "sqlread", "decode", "tidetest"},
	{"connector"},
	{"pipeline", "catalog"},
	{"run"},
	{"serve"},
	{"cmd", "e2e", "bench", "examples"},
}

// engine may be linked only where these prefixes say so: it costs seconds
// for every test binary.
var engineOnly = []string{"connector/duckdb", "cmd", "e2e", "bench"}

// TestLayout parses the files itself: a test that asks the go command has
// inputs that the test cache cannot see.
func TestLayout(t *testing.T) {
	seen := 0
	err := filepath.WalkDir(".", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (strings.HasPrefix(d.Name(), ".") && p != "." || d.Name() == "testdata" || d.Name() == "bin") {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(p, ".go") {
			return nil
		}
		seen++
		f, err := parser.ParseFile(token.NewFileSet(), p, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		from := filepath.ToSlash(filepath.Dir(p))
		if from == "." {
			from = ""
		}
		for _, spec := range f.Imports {
			to, _ := strconv.Unquote(spec.Path.Value)
			if why := forbidden(from, to, strings.HasSuffix(p, "_test.go")); why != "" {
				t.Errorf("%s imports %s: %s", p, to, why)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if seen < 5 {
		t.Fatalf("only %d files were read: the walk is broken", seen)
	}
}

func TestLayoutCatches(t *testing.T) {
	for _, c := range []struct{ from, to string }{
		{"", module + "/project"},
		{"jinja", module + "/connector/amqp"},
		{"connector/amqp", module + "/connector/file"},
		{"connector/file", module + "/pipeline/land"},
		{"pipeline/land", module + "/pipeline/build"},
		{"pipeline/land", module + "/connector/duckdb"},
		{"pipeline/build", "github.com/duckdb/duckdb-go/v2"},
		{"", "github.com/spf13/cobra"},
		{"connector/file", module + "/tidetest"},
	} {
		if forbidden(c.from, c.to, false) == "" {
			t.Errorf("%s may import %s", c.from, c.to)
		}
	}
}

// forbidden says why the package in folder from must not import to, or "".
func forbidden(from, to string, test bool) string {
	if from == "" && strings.Contains(to, ".") && !strings.HasPrefix(to, module) && !strings.HasPrefix(to, "github.com/apache/arrow-go/") && !test {
		return "the root package imports the standard library and Arrow only"
	}
	if strings.HasPrefix(to, "github.com/duckdb/duckdb-go") && !hasPrefix(from, engineOnly) {
		return "only " + strings.Join(engineOnly, ", ") + " link the database engine"
	}
	rest, ours := strings.CutPrefix(to, module)
	if !ours {
		return ""
	}
	target := strings.TrimPrefix(rest, "/")
	a, b := layer(from), layer(target)
	switch {
	case a < 0 || b < 0:
		return "its folder is in no layer: add it to the layout"
	case b > a:
		return "imports point left only"
	case top(target) == "tidetest" && top(from) != "tidetest" && !test && a < len(layers)-1:
		return "test support stays out of binaries"
	case a < b || unit(from) == unit(target):
		return ""
	case top(target) == "connector" && top(from) != "connector" && a < len(layers)-1:
		return "only cmd, e2e, bench and examples import connectors"
	case a == b && top(from) == top(target) && (top(from) == "connector" || top(from) == "pipeline"):
		return "stages do not import each other, nor connectors one another"
	}
	return ""
}

func layer(folder string) int {
	for i, names := range layers {
		for _, n := range names {
			if top(folder) == n {
				return i
			}
		}
	}
	return -1
}

func top(folder string) string { return strings.SplitN(folder, "/", 2)[0] }

// unit is the stage or connector that a folder belongs to.
func unit(folder string) string {
	parts := strings.SplitN(folder, "/", 3)
	return path.Join(parts[:min(2, len(parts))]...)
}

func hasPrefix(folder string, prefixes []string) bool {
	for _, p := range prefixes {
		if folder == p || strings.HasPrefix(folder, p+"/") {
			return true
		}
	}
	return false
}
