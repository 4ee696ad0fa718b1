package conf

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"github.com/tidemill/tidemill"
)

// Limits of a file. The parser takes quadratic time in the depth of brackets.
const (
	maxSize  = 1 << 20
	maxDepth = 100
	maxNodes = 100_000 // with each alias counted in full
)

// Parse reads the one document of a YAML file. An empty file is a Null. The
// errors are *tidemill.Error, joined where there are several.
//
// In plain text within {} and [] YAML has no place for the braces of ${VAR};
// Parse takes them for text there too.
func Parse(file string, src []byte) (*Node, error) {
	c := converter{file: file, errs: &Errors{}, anchors: map[string]*Node{}}
	start := tidemill.Pos{File: file, Line: 1, Column: 1}
	src = bytes.TrimPrefix(src, []byte("\ufeff"))
	if err := limits(src); err != nil {
		c.errs.Add(start, "", "%w", err)
		return nil, c.errs.Err()
	}
	doc, err := parser.ParseBytes([]byte(mask(string(src))), 0, parser.AllowDuplicateMapKey())
	if err != nil {
		var syntax yaml.Error
		if errors.As(err, &syntax) {
			c.errs.Add(c.pos(syntax.GetToken()), "", "%s", unmask(syntax.GetMessage()))
		} else {
			c.errs.Add(start, "", "read yaml: %w", err)
		}
		return nil, c.errs.Err()
	}
	root := &Node{Kind: Null, Pos: start}
	for i, d := range doc.Docs {
		switch {
		case i > 0 && d.Body != nil:
			c.errs.Add(c.pos(d.Body.GetToken()), "make it two files", "the file holds a second document")
		case d.Body != nil:
			root = c.node(d.Body)
		}
	}
	return root, c.errs.Err()
}

func limits(src []byte) error {
	if len(src) > maxSize {
		return fmt.Errorf("the file has %d bytes, the most is %d", len(src), maxSize)
	}
	if !utf8.Valid(src) {
		return errors.New("the file is not UTF-8")
	}
	if bytes.ContainsAny(src, masked) {
		return errors.New("the file holds characters of the private use area from U+F0000")
	}
	depth := 0
	for _, b := range src {
		switch b {
		case '[', '{':
			depth++
		case ']', '}':
			depth = max(0, depth-1)
		}
		if depth > maxDepth {
			return fmt.Errorf("brackets are nested deeper than %d", maxDepth)
		}
	}
	return nil
}

// converter makes Nodes of the parser's tree.
type converter struct {
	file    string
	errs    *Errors
	anchors map[string]*Node
	full    bool // the limit of values has been reported
}

func (c *converter) pos(t *token.Token) tidemill.Pos {
	if t == nil || t.Position == nil {
		return tidemill.Pos{File: c.file, Line: 1, Column: 1}
	}
	return tidemill.Pos{File: c.file, Line: max(1, t.Position.Line), Column: max(1, t.Position.Column)}
}

// node never returns nil: what cannot be read is an error and a Null.
func (c *converter) node(from ast.Node) *Node {
	n := &Node{Pos: c.pos(from.GetToken()), size: 1}
	switch from := from.(type) {
	case *ast.NullNode:
	case *ast.BoolNode:
		n.Kind, n.Text = Bool, from.Token.Value
	case *ast.IntegerNode:
		n.Kind, n.Text, n.Number = Number, from.Token.Value, from.Value
		if u, ok := from.Value.(uint64); ok && u <= math.MaxInt64 {
			n.Number = int64(u)
		}
	case *ast.FloatNode:
		n.Kind, n.Text, n.Number = Number, from.Token.Value, from.Value
	case *ast.InfinityNode:
		n.Kind, n.Text, n.Number = Number, from.Token.Value, from.Value
	case *ast.NanNode:
		n.Kind, n.Text, n.Number = Number, from.Token.Value, math.NaN()
	case *ast.StringNode:
		n.Kind, n.Text = Text, unmask(from.Value)
		n.Quoted = from.Token.Type == token.DoubleQuoteType || from.Token.Type == token.SingleQuoteType
	case *ast.LiteralNode:
		n.Kind, n.Quoted = Text, true
		if from.Value != nil {
			n.Text = unmask(from.Value.Value)
		}
	case *ast.SequenceNode:
		n.Kind = List
		for _, item := range from.Values {
			n.Items = append(n.Items, c.child(n, item))
		}
	case *ast.MappingNode:
		c.mapping(n, from.Values)
		if from.IsFlowStyle {
			n.Pos = c.pos(from.Start)
		}
	case *ast.MappingValueNode:
		c.mapping(n, []*ast.MappingValueNode{from})
	case *ast.AnchorNode:
		n = c.child(n, from.Value)
		c.anchors[unmask(from.Name.GetToken().Value)] = n
	case *ast.AliasNode:
		return c.alias(n.Pos, unmask(from.Value.GetToken().Value))
	case *ast.TagNode:
		return c.tag(n, from)
	default:
		c.errs.Add(n.Pos, "write a plain value", "%s has no place here", strings.ToLower(from.Type().String()))
	}
	return n
}

// child converts a value that may be missing.
func (c *converter) child(parent *Node, from ast.Node) *Node {
	if from == nil {
		return &Node{Pos: parent.Pos, size: 1}
	}
	n := c.node(from)
	if parent.size += n.size; parent.size > maxNodes {
		if !c.full {
			c.errs.Add(n.Pos, "", "the file holds more than %d values, those of aliases included", maxNodes)
		}
		c.full = true
		return &Node{Pos: n.Pos, size: 0}
	}
	return n
}

func (c *converter) mapping(n *Node, values []*ast.MappingValueNode) {
	n.Kind = Map
	var merged []*Node
	for i, v := range values {
		keyToken := v.Key.GetToken()
		if i == 0 {
			n.Pos = c.pos(keyToken)
		}
		if v.Key.IsMergeKey() {
			merged = append(merged, c.child(n, v.Value))
			continue
		}
		e := Entry{KeyPos: c.pos(keyToken)}
		if _, ok := v.Key.(ast.ScalarNode); !ok {
			c.errs.Add(e.KeyPos, "write key: value", "a key must be a word")
			continue
		}
		e.Key, e.Value = unmask(keyToken.Value), c.child(n, v.Value)
		if first := n.entry(e.Key); first != nil {
			c.errs.Add(e.KeyPos, "keep one of them", "key %q is there twice, first in line %d", e.Key, first.KeyPos.Line)
			continue
		}
		n.Entries = append(n.Entries, e)
	}
	for _, m := range merged {
		c.mergeKey(n, m)
	}
}

// mergeKey adds what `<<: *anchor` brings and n has not itself.
func (c *converter) mergeKey(n, from *Node) {
	switch from.Kind {
	case Map:
		for _, e := range from.Entries {
			if n.entry(e.Key) == nil {
				n.Entries = append(n.Entries, e)
			}
		}
	case List:
		for _, item := range from.Items {
			c.mergeKey(n, item)
		}
	default:
		c.errs.Add(from.Pos, "write <<: *anchor", "<< wants a mapping, got %s", from.Kind)
	}
}

func (c *converter) alias(at tidemill.Pos, name string) *Node {
	if n := c.anchors[name]; n != nil {
		return n
	}
	c.errs.Add(at, fmt.Sprintf("mark a value above with &%s, or put the text in quotes", name), "*%s refers to no anchor before it", name)
	return &Node{Pos: at, size: 1}
}

// tag knows !!str alone: the type of a value is that of its key.
func (c *converter) tag(n *Node, from *ast.TagNode) *Node {
	if from.Start.Value == "!!str" && from.Value != nil {
		if v := c.node(from.Value); v.Kind <= Text {
			return &Node{Kind: Text, Pos: v.Pos, Text: v.Text, Quoted: true, size: 1}
		}
	}
	c.errs.Add(n.Pos, "leave the tag out", "tag %s is not supported", from.Start.Value)
	return n
}
