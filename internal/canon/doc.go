package canon

import "iter"

// Kind is the kind of a JSON value.
type Kind uint8

// The kinds.
const (
	Null Kind = iota + 1
	False
	True
	Number
	String
	Array
	Object
)

var kindNames = [...]string{"nothing", "null", "bool", "bool", "number", "string", "array", "object"}

// String returns the word for k in messages; both truth values are "bool".
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return "nothing"
}

// Doc is a parsed JSON text: one flat array of nodes, reused by the next
// Parse. The zero value is ready. It is not safe for concurrent use.
type Doc struct {
	src   []byte
	text  []byte  // strings that had escapes, without them
	nodes []node  // values in the order of the text; a member is its name, then its value
	order []int32 // nodes of member names in canonical order, for objects that are not in it
}

type node struct {
	kind  Kind
	owned bool // the text is in Doc.text
	start int32
	end   int32
	next  int32 // the node after this value and all within it
	count int32 // elements, or members
	order int32 // first of count entries in Doc.order; -1 if the members stand in order
}

// Value is one value of a Doc, valid until the Doc parses again.
type Value struct {
	d *Doc
	i int32
}

// Kind returns the kind of v; 0 for the zero Value.
func (v Value) Kind() Kind {
	if v.d == nil {
		return 0
	}
	return v.d.nodes[v.i].kind
}

// Bytes returns the content of a string, unescaped, the text of a number, or
// the source text of anything else. It must not be changed.
func (v Value) Bytes() []byte {
	n := &v.d.nodes[v.i]
	if n.owned {
		return v.d.text[n.start:n.end:n.end]
	}
	return v.d.src[n.start:n.end:n.end]
}

// Len returns the number of elements or members.
func (v Value) Len() int { return int(v.d.nodes[v.i].count) }

// Elements ranges over the elements of an array.
func (v Value) Elements() iter.Seq[Value] {
	return func(yield func(Value) bool) {
		if v.Kind() != Array {
			return
		}
		i := v.i + 1
		for range v.Len() {
			if !yield(Value{v.d, i}) {
				return
			}
			i = v.d.nodes[i].next
		}
	}
}

// Members ranges over the names and values of an object in canonical order.
func (v Value) Members() iter.Seq2[Value, Value] {
	return func(yield func(name, value Value) bool) {
		if v.Kind() != Object {
			return
		}
		n := v.d.nodes[v.i]
		i := v.i + 1
		for k := range n.count {
			if n.order >= 0 {
				i = v.d.order[n.order+k]
			}
			if !yield(Value{v.d, i}, Value{v.d, i + 1}) {
				return
			}
			i = v.d.nodes[i+1].next
		}
	}
}

// Member returns the value of the named member of an object, or the zero
// Value.
func (v Value) Member(name string) Value {
	for n, value := range v.Members() {
		if string(n.Bytes()) == name {
			return value
		}
	}
	return Value{}
}
