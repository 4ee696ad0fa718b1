package yml_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/pipeline/build/yml"
)

const doc = `base: &base
  a: 1
  b: two
models:
  - name: x
    <<: *base
    b: three
    on: true
    text: |
      one
      two
`

func TestParse(t *testing.T) {
	n, err := yml.Parse("f.yml", []byte(doc))
	if err != nil {
		t.Fatal(err)
	}
	m := n.Get("models").Items[0]
	if got := m.Get("a").Value; got != int64(1) {
		t.Errorf("a = %v", got)
	}
	if got := m.Get("b").Value; got != "three" {
		t.Errorf("b = %v: the map's own field gives way to the merged one", got)
	}
	if got := m.Get("text").Value; got != "one\ntwo\n" {
		t.Errorf("text = %q", got)
	}
	if got, want := m.Get("b").Pos.String(), "f.yml:7:8"; got != want {
		t.Errorf("pos = %s, want %s", got, want)
	}
	if got := m.Fields[0].Name; got != "name" {
		t.Errorf("first field %q: order is lost", got)
	}
}

func TestErrors(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"a: 1\na: 2\n", `f.yml:2:1: key "a" stands twice`},
		{"a: *x\n", "f.yml:1:4: alias *x has no anchor"},
		{"a: [1\nb: 2", "f.yml:"},
		{"a: 1\n---\nb: 2\n", "second YAML document"},
		{"<<: 3\n", "want a map"},
	} {
		_, err := yml.Parse("f.yml", []byte(c.in))
		var e *tidemill.Error
		if !errors.As(err, &e) || e.Code != tidemill.Invalid || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, want %s", c.in, err, c.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(doc)
	f.Add("a: &a [*a]\n")
	f.Add("- {a: 1, b: [x, 'y']}\n")
	f.Fuzz(func(t *testing.T, s string) {
		n, err := yml.Parse("f", []byte(s))
		if (n == nil) == (err == nil) {
			t.Fatalf("node %v with error %v", n, err)
		}
	})
}
