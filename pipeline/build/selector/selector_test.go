package selector_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/pipeline/build/manifest"
	"github.com/tidemill/tidemill/pipeline/build/selector"
)

// line is raw -> stg -> mid -> mart, other -> mart, with a test on stg and
// one between mid and other.
func line(t *testing.T) *manifest.Manifest {
	t.Helper()
	m := &manifest.Manifest{Project: "p", Nodes: map[string]*manifest.Node{}}
	add := func(kind manifest.Kind, name, file string, tags []string, deps ...string) *manifest.Node {
		n := &manifest.Node{ID: string(kind) + ".p." + name, Kind: kind, Name: name, Package: "p", File: file, Config: manifest.NewConfig(kind)}
		n.FQN = append([]string{"p"}, strings.Split(strings.TrimSuffix(strings.TrimPrefix(file, "models/"), ".sql"), "/")...)
		n.Config.Tags, n.DependsOn = tags, deps
		m.Nodes[n.ID] = n
		return n
	}
	add(manifest.Source, "raw.events", "models/sources.yml", nil).Source = &manifest.SourceInfo{Name: "raw", Table: "events"}
	add(manifest.Model, "stg", "models/staging/stg.sql", []string{"hourly"}, "source.p.raw.events")
	add(manifest.Model, "mid", "models/staging/deep/mid.sql", nil, "model.p.stg")
	add(manifest.Model, "other", "models/other.sql", []string{"hourly", "daily"})
	add(manifest.Model, "mart", "models/marts/mart.sql", nil, "model.p.mid", "model.p.other").Config.Materialized = "table"
	add(manifest.Test, "t1", "models/s.yml", nil, "model.p.stg").Test = &manifest.TestInfo{Generic: "unique"}
	add(manifest.Test, "t2", "tests/t2.sql", nil, "model.p.mid", "model.p.other").Test = &manifest.TestInfo{}
	if err := m.Link(); err != nil {
		t.Fatal(err)
	}
	return m
}

func TestSelect(t *testing.T) {
	m := line(t)
	for _, c := range []struct{ include, exclude, want string }{
		{"", "", "events mart mid other stg t1 t2"},
		{"stg", "", "stg t1"},
		{"+mid", "", "events mid stg t1 t2"},
		{"1+mid", "", "mid stg t1 t2"},
		{"stg+", "", "mart mid stg t1 t2"},
		{"stg+1", "", "mid stg t1 t2"},
		{"@stg", "", "events mart mid other stg t1 t2"},
		{"tag:hourly", "", "other stg t1 t2"},
		{"tag:hourly,tag:daily", "", "other t2"},
		{"tag:hourly", "other", "stg t1"},
		{"path:models/staging", "", "mid stg t1 t2"},
		{"models/staging/deep", "", "mid t2"},
		{"staging", "", "mid stg t1 t2"},
		{"staging.deep", "", "mid t2"},
		{"p.staging.*", "", "mid stg t1 t2"},
		{"m*", "", "mart mid t2"},
		{"source:raw+", "", "events mart mid stg t1 t2"},
		{"source:raw.events", "", "events"},
		{"config.materialized:table", "", "mart"},
		{"config.enabled:true,tag:daily", "", "other t2"},
		{"resource_type:model", "tag:hourly", "mart mid"},
		{"test_name:unique", "", "t1"},
		{"test_type:singular", "", "t2"},
		{"stg other", "", "other stg t1 t2"},
		{"mart.sql", "", "mart"},
	} {
		var include, exclude []string
		if c.include != "" {
			include = []string{c.include}
		}
		if c.exclude != "" {
			exclude = []string{c.exclude}
		}
		in, err := selector.Parse(include)
		if err != nil {
			t.Fatal(err)
		}
		ex, err := selector.Parse(exclude)
		if err != nil {
			t.Fatal(err)
		}
		ids, err := selector.Select(m, in, ex)
		if err != nil {
			t.Errorf("%s: %v", c.include, err)
			continue
		}
		var names []string
		for id := range maps.Keys(ids) {
			names = append(names, id[strings.LastIndexByte(id, '.')+1:])
		}
		slices.Sort(names)
		if got := strings.Join(names, " "); got != c.want {
			t.Errorf("%s - %s: %s\nwant %s", c.include, c.exclude, got, c.want)
		}
	}
}

// TestWays: a test is asked for where a term holds for it and not for the
// node that it was declared on; else it comes along.
func TestWays(t *testing.T) {
	m := line(t)
	m.Nodes["test.p.t1"].Test.Attached = "model.p.stg"
	for include, want := range map[string]string{
		"":                    "t1:asked t2:asked",
		"stg":                 "t1:along",
		"+mid":                "t1:along t2:along",
		"stg+":                "t1:along t2:along",
		"@stg":                "t1:along t2:along",
		"t1":                  "t1:asked",
		"t2+":                 "t2:asked",
		"stg t1":              "t1:asked",
		"t1 stg":              "t1:asked",
		"package:p":           "t1:along t2:asked",
		"mid,test_type:data":  "t2:asked",
		"test_type:data,mid":  "t2:asked",
		"stg+,tag:hourly":     "t1:along t2:along",
		"path:tests":          "t2:asked",
		"resource_type:test":  "t1:asked t2:asked",
		"resource_type:model": "t1:along t2:along",
	} {
		var terms []string
		if include != "" {
			terms = []string{include}
		}
		e, err := selector.Parse(terms)
		if err != nil {
			t.Fatal(err)
		}
		chosen, err := selector.Select(m, e, nil)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, id := range slices.Sorted(maps.Keys(chosen)) {
			if m.Nodes[id].Kind == manifest.Test {
				got = append(got, m.Nodes[id].Name+map[selector.Way]string{selector.Along: ":along", selector.Asked: ":asked"}[chosen[id]])
			} else if chosen[id] != selector.Asked {
				t.Errorf("%q: %s is not asked for", include, id)
			}
		}
		if got := strings.Join(got, " "); got != want {
			t.Errorf("%q: %s, want %s", include, got, want)
		}
	}
}

func TestErrors(t *testing.T) {
	m := line(t)
	for in, want := range map[string]string{
		"sgt":        `did you mean "stg"?`,
		"tag:hourl":  `did you mean "hourly"?`,
		"tga:x":      "did you mean tag:?",
		"state:new":  "not supported yet",
		"+":          "a name is missing",
		"a++":        "misplaced +",
		"@a+":        "leave the + out",
		"config:x":   "config takes a key",
		"stg,other":  "selects nothing",
		"tag:":       "has no value",
		"99999999+a": "too many",
	} {
		e, err := selector.Parse([]string{in})
		if err == nil {
			_, err = selector.Select(m, e, nil)
		}
		if err == nil || !strings.Contains(err.Error()+strings.Join(tidemill.Hints(err), " "), want) {
			t.Errorf("%s: %v %v, want %s", in, err, tidemill.Hints(err), want)
		}
	}
}

// FuzzParse: what a term prints reads back as the same term.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"a", "+a+", "2+tag:x,@b", "config.materialized:view", "path:a/b+3", "a b,c"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		e, err := selector.Parse([]string{s})
		if err != nil {
			return
		}
		for _, all := range e {
			for _, term := range all {
				again, err := selector.Parse([]string{term.String()})
				if err != nil || len(again) != 1 || len(again[0]) != 1 || again[0][0] != term {
					t.Fatalf("%q: %+v prints %q, which reads as %+v, %v", s, term, term.String(), again, err)
				}
			}
		}
	})
}
