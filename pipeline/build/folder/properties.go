package folder

import (
	"fmt"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/pipeline/build/yml"
)

// Properties is what one .yml file beside models, seeds, macros or tests says.
type Properties struct {
	Models  []Patch
	Seeds   []Patch
	Tests   []Patch // of singular tests
	Sources []Source
	Macros  []MacroPatch
}

// Patch describes a model, a seed, a singular test or a table of a source.
type Patch struct {
	Name        string
	Pos         tidemill.Pos
	File        string
	Description string
	Config      []yml.Field // in the order in which they are to be applied
	Columns     []Column
	Tests       []Test // those on the whole table
	Identifier  string // of a source's table; "" is its name
}

// Column is a described column with its tests.
type Column struct {
	Name, Description, DataType string
	Quote                       bool
	Tags                        []string
	Meta                        *yml.Node
	Tests                       []Test
}

// Test is a generic test as it is declared.
type Test struct {
	Name        string // of the test: unique, or package.name
	Pos         tidemill.Pos
	Label       string // the node's own name, or ""
	Description string
	Args        []yml.Field
	Config      []yml.Field
}

// Source is a source with its tables.
type Source struct {
	Name, Description, Database, Schema, Loader string
	Pos                                         tidemill.Pos
	File                                        string
	Config                                      []yml.Field
	Tables                                      []Patch
}

// MacroPatch documents a macro.
type MacroPatch struct {
	Name, Description string
	Pos               tidemill.Pos
	Arguments         []MacroArgument
}

// MacroArgument documents an argument.
type MacroArgument struct{ Name, Type, Description string }

var laterProperties = []string{
	"snapshots", "exposures", "unit_tests", "semantic_models", "metrics", "groups", "saved_queries", "analyses", "functions",
	"versions", "latest_version", "constraints", "access", "group", "deprecation_date", "docs", "time_spine", "primary_key",
	"freshness", "loaded_at_field", "loaded_at_query", "quoting", "external", "overrides", "tests_config", "policy_tags", "granularity", "dimension", "entity",
}

// field reads one key into what it belongs to.
type field func(v *yml.Node) error

// readMap calls the field of each key that is not null.
func readMap(n *yml.Node, what string, fields map[string]field) error {
	if n.IsNull() {
		return n.Errorf("%s is empty", what)
	}
	if err := n.WantMap(); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	for _, f := range n.Fields {
		read, ok := fields[f.Name]
		if !ok {
			return unknown(f, "key of "+what, keys(fields), laterProperties)
		}
		if f.Value.IsNull() {
			continue
		}
		if err := read(f.Value); err != nil {
			return err
		}
	}
	return nil
}

func text(to *string) field {
	return func(v *yml.Node) (err error) { *to, err = v.Text(); return err }
}

// each calls read for every item of a list.
func each(read field) field {
	return func(v *yml.Node) error {
		if err := v.WantList(); err != nil {
			return err
		}
		for _, item := range v.Items {
			if err := read(item); err != nil {
				return err
			}
		}
		return nil
	}
}

// ReadProperties reads one file. An empty one says nothing.
func ReadProperties(file string, data []byte) (*Properties, error) {
	root, err := yml.Parse(file, data)
	if err != nil || root.IsNull() {
		return &Properties{}, err
	}
	p := &Properties{}
	patches := func(to *[]Patch, what string) field {
		return each(func(v *yml.Node) error {
			patch, err := readPatch(v, what)
			*to = append(*to, patch)
			return err
		})
	}
	err = readMap(root, "a properties file", map[string]field{
		"version":    func(*yml.Node) error { return nil }, // 2 is the only one, and optional
		"models":     patches(&p.Models, "a model"),
		"seeds":      patches(&p.Seeds, "a seed"),
		"tests":      patches(&p.Tests, "a test"),
		"data_tests": patches(&p.Tests, "a test"),
		"sources": each(func(v *yml.Node) error {
			s, err := readSource(v)
			p.Sources = append(p.Sources, s)
			return err
		}),
		"macros": each(func(v *yml.Node) error {
			m, err := readMacro(v)
			p.Macros = append(p.Macros, m)
			return err
		}),
	})
	return p, err
}

// configOf collects config: and the keys that may stand beside it.
func configOf(to *[]yml.Field) field {
	return func(v *yml.Node) error {
		*to = append(*to, v.Fields...)
		return v.WantMap()
	}
}

func beside(name string, to *[]yml.Field) field {
	return func(v *yml.Node) error {
		*to = append(*to, yml.Field{Name: name, Pos: v.Pos, Value: v})
		return nil
	}
}

func readPatch(n *yml.Node, what string) (Patch, error) {
	p := Patch{Pos: n.Pos, File: n.Pos.File}
	fields := map[string]field{
		"name":        text(&p.Name),
		"description": text(&p.Description),
		"config":      configOf(&p.Config),
		"meta":        beside("meta", &p.Config),
		"tags":        beside("tags", &p.Config),
	}
	if what != "a test" {
		fields["tests"] = readTests(&p.Tests)
		fields["data_tests"] = readTests(&p.Tests)
		fields["columns"] = each(func(v *yml.Node) error {
			c, err := readColumn(v)
			p.Columns = append(p.Columns, c)
			return err
		})
	}
	if what == "a table of a source" {
		fields["identifier"] = text(&p.Identifier)
	}
	if err := readMap(n, what, fields); err != nil {
		return p, err
	}
	if p.Name == "" {
		return p, n.Errorf("%s has no name", what)
	}
	p.Pos = n.Get("name").Pos
	return p, nil
}

func readColumn(n *yml.Node) (Column, error) {
	var c Column
	tags := func(v *yml.Node) (err error) { c.Tags, err = v.Strings(); return err }
	meta := func(v *yml.Node) error { c.Meta = v; return v.WantMap() }
	err := readMap(n, "a column", map[string]field{
		"name":        text(&c.Name),
		"description": text(&c.Description),
		"data_type":   text(&c.DataType),
		"quote":       func(v *yml.Node) (err error) { c.Quote, err = v.Bool(); return err },
		"tags":        tags,
		"meta":        meta,
		"config": func(v *yml.Node) error {
			return readMap(v, "config of a column", map[string]field{"tags": tags, "meta": meta})
		},
		"tests":      readTests(&c.Tests),
		"data_tests": readTests(&c.Tests),
	})
	if err == nil && c.Name == "" {
		err = n.Errorf("a column has no name")
	}
	return c, err
}

func readSource(n *yml.Node) (Source, error) {
	s := Source{Pos: n.Pos, File: n.Pos.File}
	err := readMap(n, "a source", map[string]field{
		"name":        text(&s.Name),
		"description": text(&s.Description),
		"database":    text(&s.Database),
		"schema":      text(&s.Schema),
		"loader":      text(&s.Loader),
		"config":      configOf(&s.Config),
		"meta":        beside("meta", &s.Config),
		"tags":        beside("tags", &s.Config),
		"tables": each(func(v *yml.Node) error {
			t, err := readPatch(v, "a table of a source")
			s.Tables = append(s.Tables, t)
			return err
		}),
	})
	if err == nil && s.Name == "" {
		err = n.Errorf("a source has no name")
	}
	return s, err
}

func readMacro(n *yml.Node) (MacroPatch, error) {
	m := MacroPatch{Pos: n.Pos}
	err := readMap(n, "a macro", map[string]field{
		"name":        text(&m.Name),
		"description": text(&m.Description),
		"arguments": each(func(v *yml.Node) error {
			var a MacroArgument
			m.Arguments = append(m.Arguments, a)
			last := &m.Arguments[len(m.Arguments)-1]
			return readMap(v, "an argument of a macro", map[string]field{
				"name": text(&last.Name), "type": text(&last.Type), "description": text(&last.Description),
			})
		}),
	})
	if err == nil && m.Name == "" {
		err = n.Errorf("a macro has no name")
	}
	return m, err
}
