// Package yml reads YAML into a tree that knows where everything stands.
//
// Maps keep their order, keys are strings and unique, anchors, aliases and
// merge keys are resolved. Every error is a *tidemill.Error with file, line
// and column; no input makes the package panic or grow without bound.
package yml

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/tidemill/tidemill"
)

// Kind is the form of a Node.
type Kind uint8

// The kinds.
const (
	Scalar Kind = iota // Value is nil, bool, int64, float64 or string
	List
	Map
)

// Node is a value with its place.
type Node struct {
	Pos    tidemill.Pos
	Kind   Kind
	Value  any
	Items  []*Node
	Fields []Field
}

// Field is an entry of a map.
type Field struct {
	Name  string
	Pos   tidemill.Pos // of the key
	Value *Node
}

// String makes a scalar node.
func String(s string) *Node { return &Node{Value: s} }

// IsNull reports whether n is absent or null.
func (n *Node) IsNull() bool { return n == nil || n.Kind == Scalar && n.Value == nil }

// Get returns the value of the named field, or nil.
func (n *Node) Get(name string) *Node {
	if n == nil {
		return nil
	}
	for _, f := range n.Fields {
		if f.Name == name {
			return f.Value
		}
	}
	return nil
}

// Errorf returns an error of code Invalid at n.
func (n *Node) Errorf(format string, args ...any) *tidemill.Error {
	return &tidemill.Error{Code: tidemill.Invalid, Pos: n.Pos, Err: fmt.Errorf(format, args...)}
}

// Text returns a scalar as a string; numbers and booleans in their usual form.
func (n *Node) Text() (string, error) {
	if n.Kind != Scalar || n.Value == nil {
		return "", n.Errorf("want a string, found %s", n.describe())
	}
	return scalarText(n.Value), nil
}

// Bool returns a boolean.
func (n *Node) Bool() (bool, error) {
	if b, ok := n.Value.(bool); ok && n.Kind == Scalar {
		return b, nil
	}
	if s, ok := n.Value.(string); ok && n.Kind == Scalar {
		switch strings.ToLower(s) {
		case "true":
			return true, nil
		case "false":
			return false, nil
		}
	}
	return false, n.Errorf("want true or false, found %s", n.describe())
}

// Int returns a whole number.
func (n *Node) Int() (int64, error) {
	if i, ok := n.Value.(int64); ok && n.Kind == Scalar {
		return i, nil
	}
	if s, ok := n.Value.(string); ok && n.Kind == Scalar {
		if i, err := strconv.ParseInt(s, 10, 64); err == nil {
			return i, nil
		}
	}
	return 0, n.Errorf("want a whole number, found %s", n.describe())
}

// Strings returns a list of strings; a single scalar is a list of one, null
// an empty one.
func (n *Node) Strings() ([]string, error) {
	if n.IsNull() {
		return nil, nil
	}
	if n.Kind == Scalar {
		return []string{scalarText(n.Value)}, nil
	}
	if n.Kind != List {
		return nil, n.Errorf("want a string or a list of strings, found %s", n.describe())
	}
	out := make([]string, 0, len(n.Items))
	for _, item := range n.Items {
		s, err := item.Text()
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}

// WantMap returns an error unless n is a map or null.
func (n *Node) WantMap() error {
	if n.IsNull() || n.Kind == Map {
		return nil
	}
	return n.Errorf("want a map, found %s", n.describe())
}

// WantList returns an error unless n is a list or null.
func (n *Node) WantList() error {
	if n.IsNull() || n.Kind == List {
		return nil
	}
	return n.Errorf("want a list, found %s", n.describe())
}

func (n *Node) describe() string {
	switch {
	case n.Kind == List:
		return "a list"
	case n.Kind == Map:
		return "a map"
	case n.Value == nil:
		return "nothing"
	}
	return strconv.Quote(scalarText(n.Value))
}

func scalarText(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case bool:
		return strconv.FormatBool(v)
	case int64:
		return strconv.FormatInt(v, 10)
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	}
	return fmt.Sprint(v)
}
