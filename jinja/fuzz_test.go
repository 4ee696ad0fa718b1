package jinja_test

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/jinja"
)

func seed(f *testing.F) {
	f.Helper()
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		for _, c := range goldens(f, file) {
			f.Add(c.sections["template"])
		}
	}
	f.Add("{% docs a %}{% enddocs %}{% snapshot s %}{% endsnapshot %}{% test t(a) %}{% endtest %}{% materialization m, default %}{% endmaterialization %}")
}

// FuzzRender holds for every source: Parse and Render end in time, in a text
// or in an error with a place, and never in a panic.
func FuzzRender(f *testing.F) {
	seed(f)
	env := jinja.NewEnv(jinja.Options{Limits: jinja.Limits{Output: 1 << 16, Steps: 20_000, Memory: 1 << 20, Depth: 20}})
	strict := jinja.NewEnv(jinja.Options{StrictUndefined: true, TrimBlocks: true, LstripBlocks: true, Limits: jinja.Limits{Output: 1 << 16, Steps: 20_000, Memory: 1 << 20, Depth: 20}})
	f.Fuzz(func(t *testing.T, src string) {
		start := time.Now()
		for _, e := range []*jinja.Env{env, strict} {
			tmpl, err := e.Parse("f", src)
			if err != nil {
				checkPlace(t, err)
				continue
			}
			scope := &jinja.Scope{Vars: map[string]any{
				"xs": jinja.NewList(int64(1), "a", nil), "d": jinja.DictOf("a", int64(1), "b", jinja.Tuple{1.5}), "s": "añ", "n": int64(7), "f": 2.5,
			}}
			tmpl.Calls("ref", "config")
			if _, err := tmpl.Render(context.Background(), scope); err != nil {
				checkPlace(t, err)
			}
			if _, err := tmpl.Eval(context.Background(), scope); err != nil {
				checkPlace(t, err)
			}
			for _, m := range tmpl.Macros() {
				if _, err := m.Call(context.Background(), scope, nil); err != nil {
					checkPlace(t, err)
				}
			}
		}
		if d := time.Since(start); d > 5*time.Second {
			t.Errorf("took %v", d)
		}
	})
}

func checkPlace(t *testing.T, err error) {
	t.Helper()
	var e *tidemill.Error
	if !errors.As(err, &e) || e.Pos.File != "f" || e.Pos.Line < 1 || e.Pos.Column < 1 || e.Code != tidemill.Invalid {
		t.Errorf("got %#v", err)
	}
}

// FuzzJSON holds for every JSON text that is read: what ToJSON writes of it
// reads back as an equal value.
func FuzzJSON(f *testing.F) {
	for _, s := range []string{`{"a": [1, 2.5, null, true, "x"]}`, `"é\u0000😀"`, `[[], {}, 1e300, -0.0, 123456789012345678901234567890]`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		v, err := jinja.FromJSON(s)
		if err != nil {
			return
		}
		for _, opt := range []jinja.JSONOptions{{}, {SortKeys: true, HTML: true, Indent: " "}} {
			text, err := jinja.ToJSON(v, opt)
			if err != nil {
				t.Fatal(err)
			}
			back, err := jinja.FromJSON(text)
			if err != nil || !jinja.Equal(v, back) {
				t.Fatalf("%s became %s: %v", s, text, err)
			}
		}
	})
}
