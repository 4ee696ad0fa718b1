package yml

import (
	"errors"
	"fmt"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/project/conf"
)

// Limits against documents that expand without end.
const (
	maxDepth = 100
	maxNodes = 1_000_000
)

// Parse reads the one document of a file. file is the name that errors show.
// An empty document is a null node.
func Parse(file string, data []byte) (n *Node, err error) {
	defer func() { // the YAML library panics on some malformed documents
		if r := recover(); r != nil {
			n, err = nil, fail(tidemill.Pos{File: file}, fmt.Errorf("parse YAML: %v", r))
		}
	}()
	f, err := parser.ParseBytes(data, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		return nil, syntaxError(file, err)
	}
	p := &reader{file: file, anchors: map[string]ast.Node{}}
	var root ast.Node
	for _, d := range f.Docs {
		if d.Body == nil {
			continue
		}
		if root != nil {
			return nil, fail(p.pos(d.Body.GetToken()), errors.New("a second YAML document: one file holds one"))
		}
		root = d.Body
	}
	if root == nil {
		return &Node{Pos: tidemill.Pos{File: file, Line: 1, Column: 1}}, nil
	}
	return p.node(root, 0)
}

func syntaxError(file string, err error) error {
	pos := tidemill.Pos{File: file}
	var y yaml.Error
	if errors.As(err, &y) {
		if t := y.GetToken(); t != nil && t.Position != nil {
			pos.Line, pos.Column = t.Position.Line, t.Position.Column
		}
		err = errors.New(y.GetMessage())
	}
	return fail(pos, fmt.Errorf("parse YAML: %w", err))
}

func fail(pos tidemill.Pos, err error) *tidemill.Error {
	return &tidemill.Error{Code: tidemill.Invalid, Pos: pos, Err: err}
}

type reader struct {
	file    string
	anchors map[string]ast.Node
	nodes   int
}

func (p *reader) pos(t *token.Token) tidemill.Pos {
	if t == nil || t.Position == nil {
		return tidemill.Pos{File: p.file}
	}
	return tidemill.Pos{File: p.file, Line: t.Position.Line, Column: t.Position.Column}
}

func (p *reader) node(n ast.Node, depth int) (*Node, error) {
	pos := p.pos(n.GetToken())
	if p.nodes++; p.nodes > maxNodes || depth > maxDepth {
		return nil, fail(pos, errors.New("the document is too large or too deep"))
	}
	out := &Node{Pos: pos}
	switch n := n.(type) {
	case *ast.NullNode:
	case *ast.StringNode:
		out.Value = n.Value
	case *ast.LiteralNode:
		out.Value = n.Value.Value
	case *ast.BoolNode:
		out.Value = n.Value
	case *ast.IntegerNode:
		switch v := n.Value.(type) {
		case int64:
			out.Value = v
		case uint64:
			if v > 1<<63-1 {
				out.Value = n.Token.Value
			} else {
				out.Value = int64(v)
			}
		default:
			out.Value = n.Token.Value
		}
	case *ast.FloatNode:
		out.Value = n.Value
	case *ast.InfinityNode, *ast.NanNode:
		out.Value = n.GetToken().Value
	case *ast.AnchorNode:
		p.anchors[n.Name.GetToken().Value] = n.Value
		return p.node(n.Value, depth+1)
	case *ast.AliasNode:
		name := n.Value.GetToken().Value
		target, ok := p.anchors[name]
		if !ok {
			return nil, fail(pos, fmt.Errorf("alias *%s has no anchor", name))
		}
		return p.node(target, depth+1)
	case *ast.TagNode:
		return p.node(n.Value, depth+1)
	case *ast.SequenceNode:
		out.Kind = List
		for _, item := range n.Values {
			child, err := p.node(item, depth+1)
			if err != nil {
				return nil, err
			}
			out.Items = append(out.Items, child)
		}
	case *ast.MappingNode:
		out.Kind = Map
		if len(n.Values) > 0 {
			out.Pos = p.pos(n.Values[0].Key.GetToken())
		}
		return p.fields(out, n.Values, depth)
	case *ast.MappingValueNode:
		out.Kind = Map
		out.Pos = p.pos(n.Key.GetToken())
		return p.fields(out, []*ast.MappingValueNode{n}, depth)
	default:
		return nil, fail(pos, fmt.Errorf("%s is not supported here", n.Type()))
	}
	return out, nil
}

// fields reads the entries of a map. Merged entries come last and give way to
// those that the map has itself.
func (p *reader) fields(out *Node, values []*ast.MappingValueNode, depth int) (*Node, error) {
	seen := map[string]bool{}
	var merged []Field
	for _, v := range values {
		key := v.Key.GetToken()
		if v.Key.IsMergeKey() {
			more, err := p.merge(v.Value, depth)
			if err != nil {
				return nil, err
			}
			merged = append(merged, more...)
			continue
		}
		name := key.Value
		if seen[name] {
			return nil, fail(p.pos(key), fmt.Errorf("key %q stands twice", name))
		}
		seen[name] = true
		child, err := p.node(v.Value, depth+1)
		if err != nil {
			return nil, err
		}
		if child.IsNull() && child.Pos.Line == 0 {
			child.Pos = p.pos(key)
		}
		out.Fields = append(out.Fields, Field{Name: name, Pos: p.pos(key), Value: child})
	}
	for _, f := range merged {
		if !seen[f.Name] {
			seen[f.Name] = true
			out.Fields = append(out.Fields, f)
		}
	}
	return out, nil
}

func (p *reader) merge(v ast.Node, depth int) ([]Field, error) {
	n, err := p.node(v, depth+1)
	if err != nil {
		return nil, err
	}
	maps := []*Node{n}
	if n.Kind == List {
		maps = n.Items
	}
	var fields []Field
	for _, m := range maps {
		if m.Kind != Map {
			return nil, m.Errorf("<<: want a map or a list of maps, found %s", m.describe())
		}
		fields = append(fields, m.Fields...)
	}
	return fields, nil
}

// Unknown is the error for a field that its map does not have. known are the
// names that it may have.
func Unknown(f Field, what string, known []string) *tidemill.Error {
	e := fail(f.Pos, fmt.Errorf("unknown %s %q", what, f.Name))
	if near := conf.Nearest(f.Name, known); near != "" {
		e.Hint = fmt.Sprintf("did you mean %q?", near)
	} else {
		e.Hint = "known: " + strings.Join(known, ", ")
	}
	return e
}
