package conf_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/tidemill/tidemill/project/conf"
)

func TestNearest(t *testing.T) {
	names := []string{"table", "shape", "unique_key", "batch"}
	for in, want := range map[string]string{
		"tabel": "table", "Table": "table", "uniqe_key": "unique_key", "unique-key": "unique_key", "batches": "batch",
		"x": "", "": "", "completely": "", strings.Repeat("long", 40): "",
	} {
		if got := conf.Nearest(in, names); got != want {
			t.Errorf("nearest to %q is %q, want %q", in, got, want)
		}
	}
}

func TestExpand(t *testing.T) {
	vars := &conf.Vars{Lookup: func(name string) (string, bool) {
		v, ok := map[string]string{"A": "${B} $$", "EMPTY": ""}[name]
		return v, ok
	}}
	for _, c := range []struct {
		in, want string
		expanded bool
	}{
		{"plain", "plain", false},
		{"${A}", "${B} $$", true}, // what a variable holds is not read again
		{"x${A}y${EMPTY}z", "x${B} $$yz", true},
		{"${EMPTY:-d}${NONE:-}${NONE:-a:-b}", "da:-b", true},
		{"$$", "$", false},
		{"$${A}", "${A}", false},
		{"$$${EMPTY}", "$", true},
		{"$A a$b $", "$A a$b $", false},
	} {
		got, expanded, err := vars.Expand(c.in)
		if got != c.want || expanded != c.expanded || err != nil {
			t.Errorf("%q: %q %v %v, want %q %v", c.in, got, expanded, err, c.want, c.expanded)
		}
	}
	for _, in := range []string{"${NONE}", "${", "${}", "${A", "${1A}", "${A-b}", "${A:?b}", "${A:-${B}}", "${file:}", "${file:/nowhere}"} {
		if got, _, err := vars.Expand(in); err == nil {
			t.Errorf("%q is %q, want an error", in, got)
		}
	}
}

// TestVariablesInFlow: the braces of a variable are text wherever it stands,
// and columns are those of the file.
func TestVariablesInFlow(t *testing.T) {
	src := "a: {é: ${A}, b: [${B:-x,y}, \"${C:-[z]}\"], c: p${D:-{}q, d: ${E:-a: b}}\n"
	root, err := conf.Parse("f", []byte(src))
	if err != nil {
		t.Fatal(err)
	}
	a := root.Get("a")
	list := a.Get("b").Items
	for i, c := range []struct {
		n    *conf.Node
		want string
	}{{a.Get("é"), "${A}"}, {list[0], "${B:-x,y}"}, {list[1], "${C:-[z]}"}, {a.Get("c"), "p${D:-{}q"}, {a.Get("d"), "${E:-a: b}"}} {
		column := strings.Index(src, c.want)
		if c.n.Text != c.want || c.n.Kind != conf.Text {
			t.Errorf("%d: %q, want %q", i, c.n.Text, c.want)
		}
		before := src[:column]
		if want := len([]rune(before)) + 1; c.n.Pos.Column != want && !c.n.Quoted {
			t.Errorf("%s stands in column %d, want %d", c.want, c.n.Pos.Column, want)
		}
	}
}

// TestParseIsTotal: any text is a tree or errors with a place.
func TestParseIsTotal(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		src := rapid.StringOf(rapid.SampledFrom([]rune("ab: -,[]{}&*!|>'\"%@`#?~\n\t$<é"))).Draw(t, "src")
		root, err := conf.Parse("f", []byte(src))
		if (root == nil) && err == nil {
			t.Fatal("neither a tree nor an error")
		}
	})
}

func TestParseLimits(t *testing.T) {
	for name, src := range map[string]string{
		"deep":   strings.Repeat("[", 100_000),
		"large":  strings.Repeat("# comment\n", 200_000),
		"binary": "a: \xff\xfe",
		"masks":  "a: \U000F0001",
	} {
		if _, err := conf.Parse("f", []byte(src)); err == nil || !strings.HasPrefix(err.Error(), "f:1:1: ") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
