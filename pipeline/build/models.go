package build

import (
	"context"
	"slices"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/jinja"
	"github.com/tidemill/tidemill/pipeline/build/folder"
	"github.com/tidemill/tidemill/pipeline/build/manifest"
	"github.com/tidemill/tidemill/pipeline/build/render"
	"github.com/tidemill/tidemill/pipeline/build/yml"
)

// parsed is a node with its template.
type parsed struct {
	node     *manifest.Node
	template *jinja.Template
}

func (l *loader) readModels(ctx context.Context) {
	for _, p := range parallel(ctx, l, l.files.Models, func(f folder.File) (parsed, error) { return l.readModel(ctx, f) }) {
		l.keepNode(p)
	}
}

// keepNode adds a node, unless its name is taken.
func (l *loader) keepNode(p parsed) {
	n := p.node
	if n == nil {
		return
	}
	if old := l.node(n.ID); old != nil {
		l.problem.add(duplicate(n, old))
		return
	}
	if n.Kind == manifest.Model || n.Kind == manifest.Seed {
		if id, ok := l.out.byName[n.Name]; ok {
			l.problem.add(duplicate(n, l.node(id)))
			return
		}
		l.out.byName[n.Name] = n.ID
	}
	if p.template != nil {
		l.out.templates[n.ID] = p.template
	}
	if n.Config.Enabled {
		l.out.Nodes[n.ID] = n
	} else {
		l.out.Off[n.ID] = n
	}
}

func (l *loader) node(id string) *manifest.Node {
	if n := l.out.Nodes[id]; n != nil {
		return n
	}
	return l.out.Off[id]
}

func duplicate(n, old *manifest.Node) error {
	where := old.File
	if old.Pos.Line > 1 {
		where = old.Pos.String()
	}
	return &tidemill.Error{
		Code: tidemill.Invalid, Pos: n.Pos, Err: errDuplicate(n, old, where),
		Hint: "rename one of the two: ref() takes the name alone",
	}
}

func (l *loader) readModel(ctx context.Context, f folder.File) (parsed, error) {
	data, err := f.Read(l.Dir)
	if err != nil {
		return parsed{}, err
	}
	n := l.newNode(manifest.Model, f, data)
	n.Raw = string(data)
	if err := l.configure(n, l.folder.Models, l.props.models[n.Name]); err != nil {
		return parsed{}, err
	}
	t, err := l.lib.Parse(start(f.Path), n.Raw)
	if err != nil {
		return parsed{}, err
	}
	err = l.dryRun(ctx, n, t)
	return parsed{n, t}, err
}

func (l *loader) newNode(kind manifest.Kind, f folder.File, data []byte) *manifest.Node {
	name := f.Stem()
	return &manifest.Node{
		ID: string(kind) + "." + l.folder.Name + "." + name, Kind: kind, Name: name, Package: l.folder.Name,
		FQN: append(append([]string{l.folder.Name}, f.Dirs()...), name), File: f.Path, Path: f.Below(), Pos: start(f.Path),
		Checksum: checksum(data), Config: manifest.NewConfig(kind),
		// What this is before the configuration is complete: placeNodes says
		// where the node really goes.
		Relation: manifest.Relation{Database: l.inv.Target.Database, Schema: l.inv.Target.Schema, Identifier: name},
	}
}

// configure applies the project's tree and the properties.
func (l *loader) configure(n *manifest.Node, tree *yml.Node, p *folder.Patch) error {
	for _, layer := range folder.Layers(tree, n.Kind, n.FQN) {
		if err := n.Config.Apply(n.Kind, layer); err != nil {
			return err
		}
	}
	if p == nil {
		return nil
	}
	n.Patch, n.Description = p.File, p.Description
	for _, c := range p.Columns {
		n.Columns = append(n.Columns, manifest.Column{
			Name: c.Name, Description: c.Description, DataType: c.DataType, Quote: c.Quote, Tags: c.Tags, Meta: c.Meta,
		})
	}
	return n.Config.Apply(n.Kind, p.Config)
}

// dryRun renders a node without a warehouse, for what it refers to and how it
// configures itself.
func (l *loader) dryRun(ctx context.Context, n *manifest.Node, t *jinja.Template) error {
	r := &recorder{node: n, inv: l.inv}
	c := &render.Context{Invocation: l.inv, Node: n, Resolver: r}
	if _, err := t.Render(ctx, c.Scope()); err != nil {
		return err
	}
	// A ref behind a condition that is false now may come up in the run.
	for _, site := range t.Calls("ref", "source") {
		if ref, ok := literal(site); ok && site.Name == "ref" && ref.Name != n.Name {
			r.maybe = append(r.maybe, ref)
		} else if ok && site.Name == "source" {
			r.maybeSources = append(r.maybeSources, ref)
		}
	}
	n.Refs, n.SourceRefs = r.refs, r.sources
	l.addMaybe(n, r)
	return nil
}

func literal(site jinja.CallSite) (manifest.Ref, bool) {
	r := manifest.Ref{Pos: site.Pos}
	if !site.Literal || len(site.Kwargs) > 0 || len(site.Args) == 0 || len(site.Args) > 2 {
		return r, false
	}
	var ok bool
	if r.Name, ok = site.Args[len(site.Args)-1].(string); !ok {
		return r, false
	}
	if len(site.Args) == 2 {
		r.Package, ok = site.Args[0].(string)
	}
	return r, ok
}

// addMaybe adds the calls that the dry run did not come by. They are marked,
// because they must not fail where they mean nothing.
func (l *loader) addMaybe(n *manifest.Node, r *recorder) {
	for _, ref := range r.maybe {
		if !slices.ContainsFunc(n.Refs, func(o manifest.Ref) bool { return o.Package == ref.Package && o.Name == ref.Name }) {
			ref.Maybe = true
			n.Refs = append(n.Refs, ref)
		}
	}
	for _, ref := range r.maybeSources {
		if !slices.ContainsFunc(n.SourceRefs, func(o manifest.Ref) bool { return o.Package == ref.Package && o.Name == ref.Name }) {
			ref.Maybe = true
			n.SourceRefs = append(n.SourceRefs, ref)
		}
	}
}

// recorder is the Resolver of a dry run.
type recorder struct {
	node                *manifest.Node
	inv                 *render.Invocation
	refs, sources       []manifest.Ref
	maybe, maybeSources []manifest.Ref
	configured          []yml.Field
	keepConfig          bool // configured is to be used later; the node's config stays
}

// Ref notes the call and returns a stand-in.
func (r *recorder) Ref(_ context.Context, ref manifest.Ref) (*render.Relation, error) {
	r.refs = append(r.refs, ref)
	return r.standIn(r.inv.Target.Schema, ref.Name), nil
}

// Source notes the call and returns a stand-in.
func (r *recorder) Source(_ context.Context, ref manifest.Ref) (*render.Relation, error) {
	r.sources = append(r.sources, ref)
	return r.standIn(ref.Package, ref.Name), nil
}

func (r *recorder) standIn(schema, name string) *render.Relation {
	db := r.inv.Target.Database
	return render.NewRelation(r.inv.Library.Dialect, db, manifest.Relation{Database: db, Schema: schema, Identifier: name}, "")
}

// Configure applies the settings to the node.
func (r *recorder) Configure(fields []yml.Field) error {
	if r.keepConfig {
		r.configured = append(r.configured, fields...)
		return nil
	}
	return r.node.Config.Apply(r.node.Kind, fields)
}

func (l *loader) readSeeds(ctx context.Context) {
	seeds := parallel(ctx, l, l.files.Seeds, func(f folder.File) (parsed, error) {
		data, err := f.Read(l.Dir)
		if err != nil {
			return parsed{}, err
		}
		n := l.newNode(manifest.Seed, f, data)
		return parsed{node: n}, l.configure(n, l.folder.Seeds, l.props.seeds[n.Name])
	})
	for _, p := range seeds {
		l.keepNode(p)
	}
}

func (l *loader) readSources(context.Context) {
	for _, s := range l.props.sources {
		for _, table := range s.it.Tables {
			n, err := l.sourceNode(s.file, s.it, table)
			if err != nil {
				l.problem.add(err)
				continue
			}
			l.keepNode(parsed{node: n})
			l.out.bySource[[2]string{s.it.Name, table.Name}] = n.ID
		}
	}
}

func (l *loader) sourceNode(f folder.File, s folder.Source, table folder.Patch) (*manifest.Node, error) {
	name := s.Name + "." + table.Name
	n := &manifest.Node{
		ID: "source." + l.folder.Name + "." + name, Kind: manifest.Source, Name: name, Package: l.folder.Name,
		FQN:  append(append([]string{l.folder.Name}, f.Dirs()...), s.Name, table.Name),
		File: f.Path, Path: f.Below(), Pos: table.Pos, Config: manifest.NewConfig(manifest.Source),
		Source:   &manifest.SourceInfo{Name: s.Name, Table: table.Name, Description: s.Description, Loader: s.Loader},
		Relation: manifest.Relation{Database: s.Database, Schema: s.Schema, Identifier: table.Identifier},
	}
	if n.Relation.Database == "" {
		n.Relation.Database = l.inv.Target.Database
	}
	if n.Relation.Schema == "" {
		n.Relation.Schema = s.Name
	}
	if n.Relation.Identifier == "" {
		n.Relation.Identifier = table.Name
	}
	if err := n.Config.Apply(manifest.Source, s.Config); err != nil {
		return nil, err
	}
	return n, l.configure(n, l.folder.Sources, &table)
}
