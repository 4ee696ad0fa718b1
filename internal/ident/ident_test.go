package ident_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/internal/ident"
)

var dialects = []tidemill.Dialect{tidemill.DuckDB, tidemill.Postgres, tidemill.Snowflake, tidemill.BigQuery}

func TestParseTable(t *testing.T) {
	for in, want := range map[string]tidemill.TableName{
		"events":             {Name: "events"},
		"raw.events":         {Schema: "raw", Name: "events"},
		`raw."odd.name"`:     {Schema: "raw", Name: "odd.name"},
		`"a""b".c`:           {Schema: `a"b`, Name: "c"},
		"größe.naïve_2-x$":   {Schema: "größe", Name: "naïve_2-x$"},
		"raw.{type}":         {},
		"a.b.c":              {},
		"":                   {},
		".a":                 {},
		"a.":                 {},
		`"a`:                 {},
		`"".a`:               {},
		`"a"b`:               {},
		"a b":                {},
		"a;drop table users": {},
	} {
		got, err := ident.ParseTable(in)
		if got != want || (err != nil) != (want == tidemill.TableName{}) {
			t.Errorf("ParseTable(%q) = %+v, %v; want %+v", in, got, err, want)
		}
	}
}

// TestParseQuoted: whatever a name holds, its quoted form reads as it.
func TestParseQuoted(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		part := rapid.StringOfN(rapid.RuneFrom([]rune(`ab".; '`+"\n"+`ü`)), 1, 20, 60)
		n := tidemill.TableName{Schema: part.Draw(t, "schema"), Name: part.Draw(t, "name")}
		quoted, err := ident.Table(tidemill.DuckDB, n)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := ident.ParseTable(quoted); err != nil || got != n {
			t.Fatalf("%s reads as %+v, %v; want %+v", quoted, got, err, n)
		}
	})
}

func TestQuoteRefuses(t *testing.T) {
	for _, d := range dialects {
		for _, name := range []string{"", "a\x00b", "\xff", strings.Repeat("x", ident.MaxBytes(d)+1)} {
			if q, err := ident.Quote(d, name); err == nil {
				t.Errorf("Quote(%s, %.10q) = %s", d, name, q)
			}
		}
	}
	if q, err := ident.Quote(tidemill.BigQuery, "a`b"); err == nil {
		t.Errorf("bigquery quoted a backtick: %s", q)
	}
}

func TestLiteral(t *testing.T) {
	for _, c := range []struct {
		d        tidemill.Dialect
		in, want string
	}{
		{tidemill.DuckDB, `it's \n`, `'it''s \n'`},
		{tidemill.Postgres, `it's \n`, `'it''s \n'`},
		{tidemill.Snowflake, `it's \n`, `'it''s \\n'`},
		{tidemill.BigQuery, "it's \\\n", `'it\'s \\\n'`},
	} {
		if got, err := ident.Literal(c.d, c.in); err != nil || got != c.want {
			t.Errorf("Literal(%s, %q) = %s, %v; want %s", c.d, c.in, got, err, c.want)
		}
	}
	for _, bad := range []string{"a\x00", "\xff"} {
		if got, err := ident.Literal(tidemill.DuckDB, bad); err == nil {
			t.Errorf("Literal(%q) = %s", bad, got)
		}
	}
}

func TestBounded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := rapid.SampledFrom(dialects).Draw(t, "dialect")
		a, b := rapid.String().Draw(t, "a"), rapid.String().Draw(t, "b")
		long := strings.Repeat("ü", 200)
		if a != b && ident.Bounded(d, long+a) == ident.Bounded(d, long+b) {
			t.Fatalf("two names became one: %q, %q", a, b)
		}
		if got := ident.Bounded(d, "x"+long+a); len(got) > ident.MaxBytes(d) || ident.Check(d, got) != nil && ident.Check(d, "x"+a) == nil {
			t.Fatalf("%q is not an identifier of %s", got, d)
		}
	})
}

func FuzzParseTable(f *testing.F) {
	f.Add(`raw."odd "" name"`)
	f.Fuzz(func(t *testing.T, s string) {
		n, err := ident.ParseTable(s)
		if err != nil {
			return
		}
		quoted, err := ident.Table(tidemill.DuckDB, n)
		if err != nil {
			return // too long or not UTF-8
		}
		if again, err := ident.ParseTable(quoted); err != nil || again != n {
			t.Fatalf("%q -> %+v -> %s -> %+v, %v", s, n, quoted, again, err)
		}
	})
}
