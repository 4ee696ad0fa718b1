package build

import (
	"strings"
	"testing"

	"github.com/tidemill/tidemill/sqlgen"
)

func TestInject(t *testing.T) {
	ctes := []cte{{"a", "select 1"}, {"b", "select 2 -- two"}}
	for in, want := range map[string]string{
		"select * from a":                      "with a as (\nselect 1\n), b as (\nselect 2 -- two\n)\nselect * from a",
		"with x as (select 1) select *":        "with a as (\nselect 1\n), b as (\nselect 2 -- two\n), x as (select 1) select *",
		"-- with y\n/* with z */ WITH x as ()": "-- with y\n/* with z */ with a as (\nselect 1\n), b as (\nselect 2 -- two\n), x as ()",
		"with recursive x as ()":               "with recursive a as (\nselect 1\n), b as (\nselect 2 -- two\n), x as ()",
		"withdrawals":                          "with a as (\nselect 1\n), b as (\nselect 2 -- two\n)\nwithdrawals",
	} {
		if got := inject(ctes, in); got != want {
			t.Errorf("%q:\n%q, want\n%q", in, got, want)
		}
	}
	if got := inject(nil, "with x"); got != "with x" {
		t.Errorf("nothing to inject changed the text: %q", got)
	}
}

// FuzzInject: the text after its own WITH stays as it is, byte by byte.
func FuzzInject(f *testing.F) {
	f.Add("with x as (select 1) select 2")
	f.Add("-- c\nselect")
	f.Fuzz(func(t *testing.T, sql string) {
		got := inject([]cte{{"c", "select 1"}}, sql)
		m := with.FindStringSubmatchIndex(sql)
		rest := sql
		if m != nil {
			rest = sql[m[1]:]
		}
		if !strings.HasSuffix(got, rest) || !strings.Contains(got, "c as (\nselect 1\n)") {
			t.Fatalf("%q became %q", sql, got)
		}
	})
}

func TestSourceLine(t *testing.T) {
	raw := "{{ config(x=1) }}\nselect a,\n  nosuch\nfrom {{ ref('b') }}\nwhere a = 1\n  and a = 1\n"
	body := "\nselect a,\n  nosuch\nfrom \"main\".\"b\"\nwhere a = 1\n  and a = 1"
	for message, want := range map[string]int{
		"Binder Error: x\n\nLINE 4:  nosuch\n   ^":  3,
		"LINE 9: from \"main\".\"b\"":               4, // by the number of lines
		"LINE 9: ...osuch":                          3,
		"LINE 9: a = 1":                             0, // two lines have it
		"LINE 9: create table x as (":               0, // ours, not the user's
		"no line at all":                            0,
		"LINE 1: ":                                  0,
		"LINE 99999999999999999999: and a = 1\n  ^": 6,
	} {
		if got := sourceLine(raw, body, message); got != want {
			t.Errorf("%q: line %d, want %d", message, got, want)
		}
	}
}

func TestDiffer(t *testing.T) {
	col := func(specs ...string) []sqlgen.TypedColumn {
		var out []sqlgen.TypedColumn
		for _, s := range specs {
			name, typ, _ := strings.Cut(s, " ")
			out = append(out, sqlgen.TypedColumn{Name: name, Type: typ})
		}
		return out
	}
	added, removed, changed := differ(col("id INTEGER", "Name VARCHAR", "old DATE"), col("ID integer", "name TEXT", "new DATE"))
	if got, want := describe(added, removed, changed), "new: new; gone: old; of another type: Name"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
