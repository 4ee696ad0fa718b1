package project_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/project"
)

var update = flag.Bool("update", false, "write the golden files")

// TestErrors loads each testdata/errors/NAME.yml and compares what is said
// with NAME.want. A first line "# target: NAME" chooses the target.
func TestErrors(t *testing.T) {
	files, err := filepath.Glob("testdata/errors/*.yml")
	if err != nil || len(files) < 20 {
		t.Fatalf("%d cases: %v", len(files), err)
	}
	env := variables(map[string]string{"WORD": "the-word", "SECRET_WORD": "hunter2-hunter2"})
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yml"), func(t *testing.T) {
			text := read(t, file)
			opts := project.Options{Kinds: kinds(), Env: env}
			if first, _, _ := strings.Cut(text, "\n"); strings.HasPrefix(first, "# target: ") {
				opts.Target = strings.TrimPrefix(first, "# target: ")
			}
			dir := folder(t, map[string]string{"tidemill.yml": text})
			p, err := project.Load(dir, opts)
			if err == nil {
				t.Fatalf("it loads: %+v", p)
			}
			golden(t, strings.TrimSuffix(file, ".yml")+".want", strings.ReplaceAll(report(t, err), dir+string(filepath.Separator), ""))
		})
	}
}

// report prints findings as the command line does. Each must have a place.
func report(t testing.TB, err error) string {
	t.Helper()
	var b strings.Builder
	for _, e := range project.Split(err) {
		if e.Pos.File == "" || e.Pos.Line < 1 || e.Pos.Column < 1 || e.Code != tidemill.Invalid {
			t.Errorf("no place or code: %#v", e)
		}
		fmt.Fprintln(&b, e)
		if e.Hint != "" {
			fmt.Fprintln(&b, "    hint:", e.Hint)
		}
	}
	for _, secret := range []string{"the-word", "hunter2", "pepper"} {
		if strings.Contains(b.String(), secret) {
			t.Errorf("%s is shown", secret)
		}
	}
	return b.String()
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if want := read(t, file); got != want {
		t.Errorf("%s differs; got\n%s\nwant\n%s", file, got, want)
	}
}

func TestNoProject(t *testing.T) {
	for name, files := range map[string]map[string]string{
		"tidemill init":        {},
		"rename tidemill.yaml": {"tidemill.yaml": ""},
	} {
		dir := folder(t, files)
		_, err := project.Load(dir, project.Options{})
		var e *tidemill.Error
		if !errors.As(err, &e) || e.Code != tidemill.NotFound || !strings.Contains(e.Hint, name) || !strings.Contains(e.Error(), "tidemill.yml") {
			t.Errorf("%v, hint %v", err, tidemill.Hints(err))
		}
	}
}

func TestUnreadable(t *testing.T) {
	_, err := project.Load(filepath.Join(t.TempDir(), "nowhere"), project.Options{})
	if tidemill.CodeOf(err) != tidemill.NotFound || !strings.Contains(err.Error(), "there is no folder") {
		t.Error(err)
	}
	for _, file := range []string{"tidemill.yml/x", ".env/x"} {
		dir := folder(t, map[string]string{"dbt_project.yml": "name: x", file: ""})
		_, err := project.Load(dir, project.Options{Kinds: kinds(), Env: variables(nil)})
		if len(project.Split(err)) == 0 {
			t.Fatalf("%s: %v", file, err)
		}
		report(t, err)
	}
}
