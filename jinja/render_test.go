package jinja_test

import (
	"context"
	"testing"

	"github.com/tidemill/tidemill/jinja"
)

func render(t *testing.T, src string, vars map[string]any) (string, error) {
	t.Helper()
	tmpl, err := jinja.NewEnv(jinja.Options{}).Parse("t.sql", src)
	if err != nil {
		return "", err
	}
	return tmpl.Render(context.Background(), &jinja.Scope{Vars: vars})
}

func TestReturn(t *testing.T) {
	for _, c := range []struct{ name, src, want string }{
		{"value", "{% macro m() %}text{{ return([1, 2]) }}more{% endmacro %}{{ m()[1] }}", "2"},
		{"none", "{% macro m() %}text{% do return() %}{% endmacro %}{{ m() }}", "None"},
		{"inside loops", "{% macro m() %}{% for x in range(9) %}{% if x == 3 %}{{ return(x) }}{% endif %}{% endfor %}{% endmacro %}{{ m() + 1 }}", "4"},
		{"from a call block it ends the macro called", "{% macro m() %}{{ caller() }}after{% endmacro %}{% call m() %}{% do return('early') %}{% endcall %}", "early"},
		{"dict", "{% macro m() %}{{ return({'a': {'b': 1}}) }}{% endmacro %}{{ m().a.b }}", "1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := render(t, c.src, nil)
			if err != nil || got != c.want {
				t.Errorf("got %q, %v, want %q", got, err, c.want)
			}
		})
	}
	if _, err := render(t, "{{ return(1) }}", nil); err == nil {
		t.Error("return() outside of a macro passed")
	}
}
