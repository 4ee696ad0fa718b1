// Package conf decodes YAML into structs, strictly: an unknown key, a value
// of another type, a missing key is an error that names the file, the line,
// the column, and what to write instead. It finds all errors of a file, not
// the first alone, and describes the same structs as JSON Schema and as
// reference tables, so that neither can differ from what is read.
//
// The fields of a struct say how they are read by tags:
//
//	yaml:"name"       the key; every exported field has one, "-" leaves it out
//	doc:"..."         a sentence for the schema and the reference
//	default:"..."     the value where the key is absent, written as in YAML
//	enum:"a,b"        the only values of a string
//	required:"true"   the key must be there and not be empty
//	min:"1"           the least value of a number
//
// Fields are strings, bools, numbers, durations, [redact.Secret], types with
// UnmarshalText (and [Describer], for their schema), any, and structs,
// pointers, slices and maps by string of those. Embedded structs are inlined.
package conf

import (
	"strconv"
	"strings"

	"github.com/tidemill/tidemill"
)

// Kind is the kind of a Node.
type Kind int

// The kinds.
const (
	Null Kind = iota
	Bool
	Number
	Text
	List
	Map
)

// String names the kind as messages do.
func (k Kind) String() string {
	return [...]string{"nothing", "a boolean", "a number", "text", "a list", "a mapping"}[k]
}

// Node is a value of a YAML file with its place. Nodes are not changed once
// they are made, and may be shared by several parents through an alias.
type Node struct {
	Kind    Kind
	Pos     tidemill.Pos
	Text    string  // of a Text, Number or Bool: as written, without quotes
	Quoted  bool    // of a Text: it stood in quotes, so it is nothing but text
	Number  any     // of a Number: int64, float64, or uint64 where int64 cannot hold it
	Items   []*Node // of a List
	Entries []Entry // of a Map, in the order of the file

	size int // nodes in the tree, each alias counted in full
}

// Entry is a key of a Map with its value.
type Entry struct {
	Key    string
	KeyPos tidemill.Pos
	Value  *Node
}

// Get returns the value of a key of a Map; nil where n is nil, no Map, or has
// no such key, or the key has no value.
func (n *Node) Get(key string) *Node {
	if e := n.entry(key); e != nil && e.Value.Kind != Null {
		return e.Value
	}
	return nil
}

func (n *Node) entry(key string) *Entry {
	if n == nil || n.Kind != Map {
		return nil
	}
	for i := range n.Entries {
		if n.Entries[i].Key == key {
			return &n.Entries[i]
		}
	}
	return nil
}

// At returns the place of the value at a path such as land.unique_key or
// queues[1], or of as much of the path as there is.
func (n *Node) At(path string) tidemill.Pos {
	at := n.Pos
	for step := range steps(path) {
		var next *Node
		if i, err := strconv.Atoi(step); err == nil && n.Kind == List && i >= 0 && i < len(n.Items) {
			next = n.Items[i]
		} else if e := n.entry(step); e != nil {
			next = e.Value
		}
		if next == nil {
			return at
		}
		n, at = next, next.Pos
	}
	return at
}

// steps yields the keys and indexes of a path.
func steps(path string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for s := range strings.FieldsFuncSeq(path, func(r rune) bool { return r == '.' || r == '[' || r == ']' }) {
			if !yield(s) {
				return
			}
		}
	}
}

// Merge returns base overlaid by over: mappings key by key, everything else
// whole. A key with no value in over takes the key of base away. Where
// replace says so of a path, a mapping is not merged but taken from over.
func Merge(base, over *Node, replace func(path string, base, over *Node) bool) *Node {
	return merge(base, over, replace, "")
}

func merge(base, over *Node, replace func(string, *Node, *Node) bool, path string) *Node {
	switch {
	case over == nil:
		return base
	case base == nil || base.Kind != Map || over.Kind != Map || replace(path, base, over):
		return over
	}
	out := &Node{Kind: Map, Pos: base.Pos, size: base.size + over.size}
	for _, e := range base.Entries {
		if o := over.entry(e.Key); o != nil {
			if o.Value.Kind == Null {
				continue
			}
			e = Entry{Key: e.Key, KeyPos: o.KeyPos, Value: merge(e.Value, o.Value, replace, join(path, e.Key))}
		}
		out.Entries = append(out.Entries, e)
	}
	for _, o := range over.Entries {
		if base.entry(o.Key) == nil {
			out.Entries = append(out.Entries, o)
		}
	}
	return out
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}
