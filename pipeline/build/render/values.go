package render

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/jinja"
	"github.com/tidemill/tidemill/pipeline/build/yml"
)

// ToValue returns a new value for templates.
func ToValue(n *yml.Node) any {
	switch {
	case n.IsNull():
		return nil
	case n.Kind == yml.List:
		list := jinja.NewList()
		for _, item := range n.Items {
			list.Items = append(list.Items, ToValue(item))
		}
		return list
	case n.Kind == yml.Map:
		d := jinja.NewDict()
		for _, f := range n.Fields {
			_ = d.Set(f.Name, ToValue(f.Value)) // strings always hash
		}
		return d
	}
	return n.Value
}

// FromValue returns v, a value of a template, as if it had been written in
// YAML at pos.
func FromValue(v any, pos tidemill.Pos) (*yml.Node, error) {
	n := &yml.Node{Pos: pos}
	var items []any
	switch v := v.(type) {
	case nil, bool, int64, float64, string:
		n.Value = v
		return n, nil
	case *big.Int:
		n.Value = v.String()
		return n, nil
	case *jinja.List:
		items = v.Items
	case jinja.Tuple:
		items = v
	case *jinja.Set:
		items = v.Elements()
	case *jinja.Dict:
		n.Kind = yml.Map
		for key, val := range v.All() {
			name, ok := key.(string)
			if !ok {
				return nil, fmt.Errorf("key %s is not a string", jinja.Repr(key))
			}
			child, err := FromValue(val, pos)
			if err != nil {
				return nil, err
			}
			n.Fields = append(n.Fields, yml.Field{Name: name, Pos: pos, Value: child})
		}
		return n, nil
	case *jinja.Undefined:
		return nil, v.Err()
	case fmt.Stringer: // a relation, say
		n.Value = v.String()
		return n, nil
	default:
		return nil, fmt.Errorf("%s cannot be a setting", jinja.Repr(v))
	}
	n.Kind = yml.List
	for _, item := range items {
		child, err := FromValue(item, pos)
		if err != nil {
			return nil, err
		}
		n.Items = append(n.Items, child)
	}
	return n, nil
}

func (c *Context) toJSON(call *jinja.Call) (any, error) {
	args, err := call.Unpack("tojson", "value", "default?", "sort_keys?")
	if err != nil {
		return nil, err
	}
	n, err := FromValue(args[0], call.Pos())
	if err != nil {
		if args[1] != jinja.Missing {
			return args[1], nil
		}
		return nil, fmt.Errorf("tojson(): %w", err)
	}
	if args[2] != jinja.Missing && jinja.Truth(args[2]) {
		sortKeys(n)
	}
	var b strings.Builder
	if err := writeJSON(&b, n); err != nil {
		return nil, fmt.Errorf("tojson(): %w", err)
	}
	return b.String(), nil
}

func sortKeys(n *yml.Node) {
	slices.SortStableFunc(n.Fields, func(a, b yml.Field) int { return strings.Compare(a.Name, b.Name) })
	for _, f := range n.Fields {
		sortKeys(f.Value)
	}
	for _, item := range n.Items {
		sortKeys(item)
	}
}

// writeJSON writes as Python's json.dumps does, with its spaces.
func writeJSON(b *strings.Builder, n *yml.Node) error {
	switch n.Kind {
	case yml.List:
		b.WriteByte('[')
		for i, item := range n.Items {
			if i > 0 {
				b.WriteString(", ")
			}
			if err := writeJSON(b, item); err != nil {
				return err
			}
		}
		b.WriteByte(']')
		return nil
	case yml.Map:
		b.WriteByte('{')
		for i, f := range n.Fields {
			if i > 0 {
				b.WriteString(", ")
			}
			key, err := json.Marshal(f.Name)
			if err != nil {
				return err
			}
			b.Write(key)
			b.WriteString(": ")
			if err := writeJSON(b, f.Value); err != nil {
				return err
			}
		}
		b.WriteByte('}')
		return nil
	}
	if f, ok := n.Value.(float64); ok {
		b.WriteString(jinja.Str(f)) // 1.0 stays a float
		return nil
	}
	text, err := json.Marshal(n.Value)
	b.Write(text)
	return err
}

func (c *Context) fromJSON(call *jinja.Call) (any, error) {
	args, err := call.Unpack("fromjson", "string", "default?")
	if err != nil {
		return nil, err
	}
	d := json.NewDecoder(strings.NewReader(jinja.Str(args[0])))
	d.UseNumber()
	v, err := readJSON(d, 0)
	if err == nil && d.More() {
		err = errors.New("text after the value")
	}
	if err != nil {
		if args[1] != jinja.Missing {
			return args[1], nil
		}
		return nil, fmt.Errorf("fromjson(): %w", err)
	}
	return v, nil
}

// readJSON reads a value with its keys in order, which a Go map would lose.
func readJSON(d *json.Decoder, depth int) (any, error) {
	if depth > 200 {
		return nil, errors.New("nested too deep")
	}
	t, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch t := t.(type) {
	case json.Number:
		if n, ok := new(big.Int).SetString(t.String(), 10); ok {
			if n.IsInt64() {
				return n.Int64(), nil
			}
			return n, nil
		}
		return t.Float64()
	case json.Delim:
		if t == '[' {
			list := jinja.NewList()
			for d.More() {
				v, err := readJSON(d, depth+1)
				if err != nil {
					return nil, err
				}
				list.Items = append(list.Items, v)
			}
			_, err := d.Token()
			return list, err
		}
		dict := jinja.NewDict()
		for d.More() {
			key, err := d.Token()
			if err != nil {
				return nil, err
			}
			v, err := readJSON(d, depth+1)
			if err != nil {
				return nil, err
			}
			if err := dict.Set(key, v); err != nil {
				return nil, err
			}
		}
		_, err := d.Token()
		return dict, err
	}
	return t, nil
}
