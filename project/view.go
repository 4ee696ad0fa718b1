package project

import (
	"fmt"
	"strings"

	"github.com/tidemill/tidemill/project/conf"
)

// view reads the file as one target sees it. With vars it fills the project;
// without, it only finds errors; partial is a layer that may lack keys.
func (l *loader) view(n *conf.Node, vars *conf.Vars, partial bool) {
	v := &view{loader: l, partial: partial}
	v.dec = &conf.Decoder{Errs: l.errs, Vars: vars, Partial: partial, Beside: v.beside}
	var top layout
	v.dec.Decode(n, "", &top)
	if top.Name != "" && !nameForm.MatchString(top.Name) {
		l.errs.Add(n.At("name"), "names have letters, digits, _ and -, and begin with a letter", "name: %q is no name for a project", top.Name)
	}
	for _, e := range v.entries(top.Connections, "connections") {
		v.connection(e)
	}
	if !partial {
		v.warehouse(n, top)
	}
	for _, e := range v.entries(top.Pipelines, "pipelines") {
		v.pipeline(e)
	}
	if !partial {
		v.tables()
	}
	if vars != nil {
		l.project.Name, l.project.Connections, l.project.Pipelines = top.Name, v.connections, v.pipelines
	}
}

type view struct {
	*loader
	dec         *conf.Decoder
	partial     bool
	connections []Connection
	pipelines   []Pipeline
	whole       []bool // of pipelines: read without error, no variable left open
}

// entries returns what stands under a key that holds things by name.
func (v *view) entries(n *conf.Node, path string) []conf.Entry {
	if n == nil {
		return nil
	}
	if n.Kind != conf.Map {
		v.errs.Add(n.Pos, "write a name for each, as in "+path+": {name: {...}}", "%s wants a mapping, got %s", path, n.Kind)
		return nil
	}
	var out []conf.Entry
	for _, e := range n.Entries {
		v.name(e, strings.TrimSuffix(path, "s"))
		switch {
		case e.Value.Kind == conf.Null && v.partial: // it takes the outer one away
			continue
		case e.Value.Kind != conf.Map && e.Value.Kind != conf.Null:
			v.errs.Add(e.Value.Pos, "write key: value pairs", "%s.%s wants a mapping, got %s", path, e.Key, e.Value.Kind)
			continue
		}
		out = append(out, e)
	}
	return out
}

// head is what every connection has.
type head struct {
	Type string `yaml:"type" doc:"Kind of the connection." required:"true"`
}

// connection reads one connection by the struct of its type.
func (v *view) connection(e conf.Entry) {
	path := "connections." + e.Key
	c := Connection{Name: e.Key, Pos: e.KeyPos}
	typ := e.Value.Get("type")
	if typ == nil {
		if !v.partial {
			v.errs.Add(e.KeyPos, "the types are: "+strings.Join(v.types(everyKind), ", "), "%s: key \"type\" is missing", path)
		}
		v.connections = append(v.connections, c)
		return
	}
	kind := v.kind(typ.Text)
	if kind == nil || typ.Kind != conf.Text {
		v.errs.Add(typ.Pos, conf.Suggest(typ.Text, v.types(everyKind)), "%s.type: there is no type %q", path, typ.Text)
		v.connections = append(v.connections, c)
		return
	}
	c.Type, c.Config = kind.Type, kind.Connection()
	v.dec.Decode(e.Value, path, &head{}, c.Config)
	v.connections = append(v.connections, c)
}

func (v *view) kind(typ string) *Kind {
	for i := range v.opts.Kinds {
		if v.opts.Kinds[i].Type == typ {
			return &v.opts.Kinds[i]
		}
	}
	return nil
}

func everyKind(Kind) bool  { return true }
func isSource(k Kind) bool { return k.Source != nil }
func canLand(k Kind) bool  { return k.Warehouse }
func (v *view) types(keep func(Kind) bool) []string {
	var names []string
	for _, k := range v.opts.Kinds {
		if keep(k) {
			names = append(names, k.Type)
		}
	}
	return names
}

// warehouse checks that the target has one.
func (v *view) warehouse(n *conf.Node, top layout) {
	for _, c := range v.connections {
		kind := v.kind(c.Type)
		if c.Name != warehouseName || kind == nil {
			continue
		}
		if !kind.Warehouse {
			v.errs.Add(c.Pos, "the types of a warehouse are: "+strings.Join(v.types(canLand), ", "), "connections.warehouse: type %s is no warehouse", c.Type)
		}
		return
	}
	for _, c := range v.connections {
		if c.Name == warehouseName {
			return // its type is wrong, which has been said
		}
	}
	pos := n.Pos
	if top.Connections != nil {
		pos = top.Connections.Pos
	}
	v.errs.Add(pos, fmt.Sprintf("add to connections: warehouse: {type: duckdb, path: .tidemill/%s.duckdb}", top.Name), "there is no connection named warehouse")
}

// connectionOf returns the connection that a source names, or nil.
func (v *view) connectionOf(n *conf.Node) *Connection {
	name := n.Get("connection")
	for i := range v.connections {
		if name != nil && name.Kind == conf.Text && v.connections[i].Name == name.Text {
			return &v.connections[i]
		}
	}
	return nil
}

// beside gives a source the keys of its connection's kind.
func (v *view) beside(into any, n *conf.Node) (more any, open bool) {
	src, ok := into.(*Source)
	if !ok {
		return nil, false
	}
	c := v.connectionOf(n)
	if c == nil {
		return nil, true
	}
	kind := v.kind(c.Type)
	if kind == nil || kind.Source == nil {
		return nil, true
	}
	src.Options = kind.Source()
	return src.Options, false
}

// pipeline reads one pipeline and checks what hangs together in it.
func (v *view) pipeline(e conf.Entry) {
	path := "pipelines." + e.Key
	n := e.Value
	p := Pipeline{Name: e.Key, Pos: e.KeyPos, at: n.At}
	if n.Kind == conf.Null {
		n = &conf.Node{Kind: conf.Map, Pos: e.KeyPos}
	}
	whole := v.dec.Decode(n, path, &p)
	if !v.partial {
		v.reference(n.Get("source"), path)
		if whole {
			v.dec.Report(n, path, check(&p, n))
		}
	}
	v.pipelines = append(v.pipelines, p)
	v.whole = append(v.whole, whole)
}

// reference checks that the source's connection is there and is a source.
func (v *view) reference(source *conf.Node, path string) {
	name := source.Get("connection")
	if name == nil || name.Kind != conf.Text {
		return // said by the decoder
	}
	c := v.connectionOf(source)
	if c == nil {
		var names []string
		for _, c := range v.connections {
			if kind := v.kind(c.Type); kind != nil && kind.Source != nil {
				names = append(names, c.Name)
			}
		}
		v.errs.Add(name.Pos, conf.Suggest(name.Text, names), "%s.source.connection: there is no connection %q", path, name.Text)
		return
	}
	if kind := v.kind(c.Type); kind != nil && kind.Source == nil {
		v.errs.Add(name.Pos, "the types of a source are: "+strings.Join(v.types(isSource), ", "), "%s.source.connection: connection %q is of type %s, which is no source", path, name.Text, c.Type)
	}
}

// tables checks that pipelines that share a table agree about it.
func (v *view) tables() {
	first := map[string]*Pipeline{}
	for i := range v.pipelines {
		p := &v.pipelines[i]
		if !v.whole[i] {
			continue
		}
		other := first[p.Land.Table]
		if other == nil {
			first[p.Land.Table] = p
			continue
		}
		if p.Land.Shape != other.Land.Shape || p.Land.Write != other.Land.Write || strings.Join(p.Land.UniqueKey, ",") != strings.Join(other.Land.UniqueKey, ",") {
			v.errs.Add(p.At("land.table"), "name another table, or use one shape, write and unique_key in both", "pipelines.%s.land.table: pipeline %s lands in %s in another way", p.Name, other.Name, p.Land.Table)
		}
	}
}
