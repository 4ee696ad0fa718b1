package examples_test

import (
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/tidemill/tidemill/examples"
)

// stay are the names of the cards folder that init does not copy: they are of
// this repository, or made by its Makefile.
var stay = []string{".gitignore", "Makefile", "gen", "publish", "events", "backfill", ".tidemill", ".env", "target", "logs"}

// TestCardsIsWhole compares what is embedded with the folder, so that a new
// part of the project cannot be forgotten.
func TestCardsIsWhole(t *testing.T) {
	embedded := names(t, examples.Cards())
	folder := names(t, os.DirFS("cards"))
	folder = slices.DeleteFunc(folder, func(name string) bool {
		first, _, _ := strings.Cut(name, "/")
		return slices.Contains(stay, first)
	})
	if !slices.Equal(embedded, folder) {
		t.Errorf("embedded: %v\nin the folder: %v", embedded, folder)
	}
	for _, name := range embedded {
		if path.Ext(name) == ".go" {
			t.Errorf("%s is Go code", name)
		}
	}
}

func names(t *testing.T, files fs.FS) []string {
	t.Helper()
	var all []string
	err := fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			all = append(all, name)
		}
		return err
	})
	if err != nil || len(all) < 20 {
		t.Fatalf("%d files, %v", len(all), err)
	}
	return all
}

// TestReadmeNamesEveryQuery keeps the table of queries complete.
func TestReadmeNamesEveryQuery(t *testing.T) {
	readme, err := fs.ReadFile(examples.Cards(), "README.md")
	if err != nil {
		t.Fatal(err)
	}
	queries, err := fs.Glob(examples.Cards(), "queries/*.sql")
	if err != nil || len(queries) == 0 {
		t.Fatal(queries, err)
	}
	for _, q := range queries {
		if name := strings.TrimSuffix(path.Base(q), ".sql"); !strings.Contains(string(readme), "`"+name+"`") {
			t.Errorf("README.md does not say what %s answers", q)
		}
	}
}
