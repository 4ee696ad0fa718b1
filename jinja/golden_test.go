package jinja_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/jinja"
)

// goldenCase is one case of testdata/*.txt; testdata/regen.py tells the form.
type goldenCase struct {
	title    string
	sections map[string]string
	vars     string // of the whole file
}

var (
	caseStart    = regexp.MustCompile(`(?m)^=== `)
	sectionStart = regexp.MustCompile(`^--- (template|vars|options|want|error)\n$`)
)

func goldens(t testing.TB, path string) []goldenCase {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	parts := caseStart.Split(string(data), -1)
	common := "{}"
	for line := range strings.Lines(parts[0]) {
		if v, ok := strings.CutPrefix(line, "vars "); ok {
			common = v
		}
	}
	var out []goldenCase
	for _, part := range parts[1:] {
		title, body, _ := strings.Cut(part, "\n")
		c := goldenCase{title: title, sections: map[string]string{}, vars: common}
		name := "want"
		for line := range strings.Lines(body) {
			if m := sectionStart.FindStringSubmatch(line); m != nil {
				name = m[1]
				line = ""
			}
			c.sections[name] += line
		}
		for k, v := range c.sections {
			c.sections[k] = strings.TrimSuffix(v, "\n")
		}
		if _, ok := c.sections["template"]; !ok {
			c.sections["template"] = title
		}
		out = append(out, c)
	}
	return out
}

func (c goldenCase) render(t testing.TB) (string, error) {
	t.Helper()
	o := c.sections["options"]
	env := jinja.NewEnv(jinja.Options{
		TrimBlocks:          strings.Contains(o, "trim_blocks"),
		LstripBlocks:        strings.Contains(o, "lstrip_blocks"),
		KeepTrailingNewline: strings.Contains(o, "keep_trailing_newline"),
		StrictUndefined:     strings.Contains(o, "strict"),
	})
	scope := &jinja.Scope{Vars: map[string]any{}}
	for _, text := range []string{c.vars, c.sections["vars"]} {
		if text == "" {
			continue
		}
		v, err := jinja.FromJSON(text)
		if err != nil {
			t.Fatal(err)
		}
		for k, v := range v.(*jinja.Dict).All() {
			scope.Vars[k.(string)] = v
		}
	}
	tmpl, err := env.Parse("golden", c.sections["template"])
	if err != nil {
		return "", err
	}
	return tmpl.Render(context.Background(), scope)
}

func TestGoldens(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, file := range files {
		for i, c := range goldens(t, file) {
			n++
			t.Run(filepath.Base(file)+"/"+strconv.Itoa(i), func(t *testing.T) {
				got, err := c.render(t)
				if want, fails := c.sections["error"]; fails {
					checkError(t, c, want, got, err)
					return
				}
				if err != nil {
					t.Fatalf("%s\n%v", c.sections["template"], err)
				}
				if want := c.sections["want"]; got != want {
					t.Errorf("%s\ngot  %q\nwant %q", c.sections["template"], got, want)
				}
			})
		}
	}
	if n < 600 {
		t.Errorf("only %d cases were read", n)
	}
}

var syntaxLine = regexp.MustCompile(`^Template\w+ line (\d+): `)

// checkError compares the line of a syntax error, and the message where a
// template is told what is undefined; other messages are ours.
func checkError(t *testing.T, c goldenCase, want, got string, err error) {
	t.Helper()
	var e *tidemill.Error
	if !errors.As(err, &e) || e.Code != tidemill.Invalid || e.Pos.File != "golden" || e.Pos.Line == 0 {
		t.Fatalf("%s\ngot %q, %v\nwant an error like %s", c.sections["template"], got, err, want)
	}
	if m := syntaxLine.FindStringSubmatch(want); m != nil {
		if line, _ := strconv.Atoi(m[1]); e.Pos.Line != line {
			t.Errorf("%s\ngot %v\nwant line %d", c.sections["template"], err, line)
		}
	}
	if msg, ok := strings.CutPrefix(want, "UndefinedError: "); ok && !strings.Contains(err.Error(), msg) {
		t.Errorf("%s\ngot %v\nwant %s", c.sections["template"], err, msg)
	}
}
