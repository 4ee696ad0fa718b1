package build

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/jinja"
	"github.com/tidemill/tidemill/pipeline/build/folder"
	"github.com/tidemill/tidemill/pipeline/build/manifest"
	"github.com/tidemill/tidemill/pipeline/build/render"
	"github.com/tidemill/tidemill/pipeline/build/yml"
)

// readTests makes a node of each test that the properties declare, and of
// each file in tests/.
func (l *loader) readTests(ctx context.Context) {
	var declared []declaration
	for _, p := range l.props.patches {
		id, ok := l.out.byName[p.it.Name]
		if ok && l.out.Nodes[id] != nil {
			declared = append(declared, declarations(p.file, l.out.Nodes[id], p.it)...)
		}
	}
	for _, s := range l.props.sources {
		for _, table := range s.it.Tables {
			if n := l.out.Nodes[l.out.bySource[[2]string{s.it.Name, table.Name}]]; n != nil {
				declared = append(declared, declarations(s.file, n, &table)...)
			}
		}
	}
	nodes := parallel(ctx, l, declared, func(d declaration) (parsed, error) { return l.genericTest(ctx, d) })
	nodes = append(nodes, parallel(ctx, l, l.files.Singular, func(f folder.File) (parsed, error) { return l.singularTest(ctx, f) })...)
	for _, p := range nodes {
		l.keepNode(p)
	}
}

// declaration is a generic test on a node, or on one of its columns.
type declaration struct {
	file   folder.File
	on     *manifest.Node
	column *folder.Column
	test   folder.Test
}

func declarations(f folder.File, on *manifest.Node, p *folder.Patch) []declaration {
	var out []declaration
	for _, t := range p.Tests {
		out = append(out, declaration{file: f, on: on, test: t})
	}
	for i := range p.Columns {
		for _, t := range p.Columns[i].Tests {
			out = append(out, declaration{file: f, on: on, column: &p.Columns[i], test: t})
		}
	}
	return out
}

func (l *loader) genericTest(ctx context.Context, d declaration) (parsed, error) {
	pkg, test := "", d.test.Name
	if before, after, ok := strings.Cut(d.test.Name, "."); ok {
		pkg, test = before, after
	}
	macro := l.lib.Find(pkg, "test_"+test)
	if macro == nil {
		return parsed{}, l.noTest(d, pkg)
	}
	args := d.test.Args
	column := ""
	if d.column != nil {
		column = d.column.Name
		if d.column.Quote {
			column = `"` + strings.ReplaceAll(column, `"`, `""`) + `"`
		}
		args = append(slices.Clone(args), yml.Field{Name: "column_name", Value: yml.String(column)})
	}
	raw, err := testText(d, pkg, test, args)
	if err != nil {
		return parsed{}, err
	}
	long, short := testNames(d, pkg, test, args)
	name := long
	if d.test.Label != "" {
		name, short = d.test.Label, d.test.Label
	}
	sum := md5.Sum([]byte(d.on.ID + "\x00" + long + "\x00" + raw + "\x00" + d.test.Label))
	n := &manifest.Node{
		ID: "test." + l.folder.Name + "." + name + "." + hex.EncodeToString(sum[:])[:10], Kind: manifest.Test, Name: name, Package: l.folder.Name,
		FQN:  append(append([]string{l.folder.Name}, d.file.Dirs()...), name),
		File: d.file.Path, Path: short + ".sql", Pos: d.test.Pos, Raw: raw, Checksum: checksum([]byte(raw)), Description: d.test.Description,
		Config: manifest.NewConfig(manifest.Test),
		Test:   &manifest.TestInfo{Generic: test, Package: pkg, Args: args, Column: column, Attached: d.on.ID},
	}
	return l.finishTest(ctx, n, d.test)
}

// finishTest renders a generic test. What its macro configures is a default
// that the declaration overrides.
func (l *loader) finishTest(ctx context.Context, n *manifest.Node, decl folder.Test) (parsed, error) {
	if err := l.renderFields(ctx, decl.Config); err != nil {
		return parsed{}, err
	}
	t, err := l.lib.Parse(n.Pos, n.Raw)
	if err != nil {
		return parsed{}, err
	}
	if err := n.Config.Apply(manifest.Test, decl.Config); err != nil {
		return parsed{}, err
	}
	r := &recorder{node: n, inv: l.inv, keepConfig: true}
	c := &render.Context{Invocation: l.inv, Node: n, Resolver: r}
	if _, err := t.Render(ctx, c.Scope()); err != nil {
		return parsed{}, at(n.Pos, err)
	}
	n.Refs, n.SourceRefs = r.refs, r.sources
	n.Config = manifest.NewConfig(manifest.Test)
	layers := append(folder.Layers(l.folder.Tests, manifest.Test, n.FQN), r.configured, decl.Config)
	for _, layer := range layers {
		if err := n.Config.Apply(manifest.Test, layer); err != nil {
			return parsed{}, err
		}
	}
	return parsed{n, t}, nil
}

// at gives an error of a test's macro the place of the declaration, which is
// what its author wrote.
func at(pos tidemill.Pos, err error) error {
	return &tidemill.Error{Pos: pos, Op: "test", Err: err}
}

func (l *loader) noTest(d declaration, pkg string) error {
	if pkg != "" && !l.lib.HasPackage(pkg) {
		return &tidemill.Error{
			Code: tidemill.NotFound, Pos: d.test.Pos, Err: fmt.Errorf("test %q is of package %s, which is not there", d.test.Name, pkg),
			Hint: "packages are not supported yet: copy the test into tests/generic/",
		}
	}
	var names []string
	for _, m := range l.lib.Names() {
		if name, ok := strings.CutPrefix(m, "test_"); ok {
			names = append(names, name)
		}
	}
	return missing(d.test.Pos, "test", d.test.Name, names)
}

// expression is a string that stands for code: ref('x'), or {{ ... }}.
var expression = regexp.MustCompile(`^\s*(?:\{\{(.*)\}\}|((?:ref|source|var|env_var)\s*\(.*\)))\s*$`)

// testText is the call that the node's template makes.
func testText(d declaration, pkg, test string, args []yml.Field) (string, error) {
	model := "ref(" + jinja.Repr(d.on.Name) + ")"
	if d.on.Source != nil {
		model = "source(" + jinja.Repr(d.on.Source.Name) + ", " + jinja.Repr(d.on.Source.Table) + ")"
	}
	var b strings.Builder
	b.WriteString("{{ ")
	if pkg != "" {
		b.WriteString(pkg + ".")
	}
	b.WriteString("test_" + test + "(model=get_where_subquery(" + model + ")")
	for _, a := range args {
		if !argumentName.MatchString(a.Name) {
			return "", &tidemill.Error{Code: tidemill.Invalid, Pos: a.Pos, Err: fmt.Errorf("argument %q is not a name", a.Name)}
		}
		b.WriteString(", " + a.Name + "=")
		if err := writeArg(&b, a.Value); err != nil {
			return "", err
		}
	}
	b.WriteString(") }}")
	return b.String(), nil
}

var argumentName = regexp.MustCompile(`^[A-Za-z_]\w*$`)

func writeArg(b *strings.Builder, n *yml.Node) error {
	s, ok := n.Value.(string)
	if !ok || n.Kind != yml.Scalar {
		b.WriteString(jinja.Repr(render.ToValue(n)))
		return nil
	}
	if m := expression.FindStringSubmatch(s); m != nil && !strings.Contains(m[1], "{{") {
		b.WriteString("(" + m[1] + m[2] + ")")
		return nil
	}
	if strings.Contains(s, "{{") || strings.Contains(s, "{%") {
		return n.Errorf("an argument of a test is a value, or one expression: %q is neither", s)
	}
	b.WriteString(jinja.Repr(s))
	return nil
}

var notWord = regexp.MustCompile(`[^0-9a-zA-Z_]+`)

// testNames returns the name of a test as dbt makes it, and that of its file:
// where the long one has 64 characters, a short one with a hash.
func testNames(d declaration, pkg, test string, args []yml.Field) (long, short string) {
	on := d.on.Name
	if d.on.Source != nil {
		on = d.on.Source.Name + "_" + d.on.Source.Table
		test = "source_" + test
	}
	if pkg != "" {
		test = pkg + "_" + test
	}
	sorted := slices.Clone(args)
	slices.SortStableFunc(sorted, func(a, b yml.Field) int { return strings.Compare(a.Name, b.Name) })
	var parts []string
	for _, a := range sorted {
		for _, text := range flat(a.Value) {
			parts = append(parts, notWord.ReplaceAllString(text, "_"))
		}
	}
	head := test + "_" + on
	long = head + "_" + strings.Join(parts, "__")
	if len(long) < 64 {
		return long, long
	}
	sum := md5.Sum([]byte(long))
	return long, head[:min(30, len(head))] + "_" + hex.EncodeToString(sum[:])
}

func flat(n *yml.Node) []string {
	switch n.Kind {
	case yml.List:
		var out []string
		for _, item := range n.Items {
			out = append(out, jinja.Str(render.ToValue(item)))
		}
		return out
	case yml.Map:
		var out []string
		for _, f := range n.Fields {
			out = append(out, jinja.Str(render.ToValue(f.Value)))
		}
		return out
	}
	return []string{jinja.Str(n.Value)}
}

func (l *loader) singularTest(ctx context.Context, f folder.File) (parsed, error) {
	data, err := f.Read(l.Dir)
	if err != nil {
		return parsed{}, err
	}
	n := l.newNode(manifest.Test, f, data)
	n.Raw, n.Test, n.Relation = string(data), &manifest.TestInfo{}, manifest.Relation{}
	if err := l.configure(n, l.folder.Tests, l.props.tests[n.Name]); err != nil {
		return parsed{}, err
	}
	t, err := l.lib.Parse(start(f.Path), n.Raw)
	if err != nil {
		return parsed{}, err
	}
	return parsed{n, t}, l.dryRun(ctx, n, t)
}
