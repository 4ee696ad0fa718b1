package project_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tidemill/tidemill/project"
)

// FuzzLoad: no input makes Load panic or hang, every finding has its place,
// and the schema accepts what Load accepts.
func FuzzLoad(f *testing.F) {
	for _, pattern := range []string{"testdata/ok/*.yml", "testdata/errors/*.yml"} {
		files, _ := filepath.Glob(pattern)
		for _, file := range files {
			f.Add(read(f, file))
		}
	}
	schema := compiled(f)
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 4096 {
			return
		}
		if err := os.WriteFile(filepath.Join(dir, "tidemill.yml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		_, err := project.Load(dir, project.Options{Kinds: kinds(), Env: variables(allVariables)})
		if d := time.Since(start); d > 5*time.Second {
			t.Fatalf("it took %s", d)
		}
		if err != nil {
			lines := strings.Count(text, "\n") + strings.Count(text, "\r") + 1
			for _, e := range project.Split(err) {
				if e.Pos.Line < 1 || e.Pos.Line > lines || e.Pos.Column < 1 {
					t.Errorf("%v has no place in %q", e, text)
				}
			}
			if len(project.Split(err)) == 0 {
				t.Errorf("%v cannot be split", err)
			}
			return
		}
		if v, err := instance(text); err == nil { // else plain YAML has no form for it
			if err := schema.Validate(v); err != nil {
				t.Errorf("Load accepts what the schema refuses: %v\n%s", err, text)
			}
		}
	})
}
