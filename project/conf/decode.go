package conf

import (
	"cmp"
	"errors"
	"reflect"
	"strconv"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/internal/redact"
)

// Decoder reads Nodes into structs and gathers all errors. It is used by one
// goroutine at a time.
type Decoder struct {
	Errs *Errors

	// Vars gives the values of ${VAR}. Where it is nil, text with a variable
	// is checked for its syntax only and leaves its field as it is: what
	// depends on it is not validated.
	Vars *Vars

	// Partial says that keys may be missing, because this is one layer of
	// several. Nothing is then required, and no Validate is called.
	Partial bool

	// Beside may return a further struct whose keys stand in the same mapping
	// as those of into; open says that any other key may stand there too.
	Beside func(into any, n *Node) (more any, open bool)
}

// Decode reads the mapping n into the structs that into point to, whose keys
// stand side by side in it. It sets defaults, and calls the Validate of each
// struct that was read without error. The path names n in messages. It
// reports whether all was well and no variable was left open.
func (d *Decoder) Decode(n *Node, path string, into ...any) bool {
	if n.Kind == Null {
		n = &Node{Kind: Map, Pos: n.Pos}
	}
	if n.Kind != Map {
		d.Errs.Add(n.Pos, "write key: value pairs", "%s wants a mapping, got %s", cmp.Or(path, "the file"), n.Kind)
		return false
	}
	whole, open := true, false
	if d.Beside != nil {
		for i := range len(into) {
			more, others := d.Beside(into[i], n)
			if more != nil {
				into = append(into, more)
			}
			open, whole = open || others, whole && !others
		}
	}
	known := make(map[string]bool)
	var names []string
	for _, target := range into {
		v := reflect.ValueOf(target).Elem()
		for _, f := range fieldsOf(v.Type()) {
			known[f.name] = true
			names = append(names, f.name)
			whole = d.field(n, v.FieldByIndex(f.index), f, path) && whole
		}
	}
	for _, e := range n.Entries {
		if !known[e.Key] && !open {
			d.Errs.Add(e.KeyPos, suggest(e.Key, names, "the keys here are: "), "%sunknown key %q", prefix(path), e.Key)
			whole = false
		}
	}
	if whole && !d.Partial {
		for _, target := range into {
			whole = d.validate(n, path, target) && whole
		}
	}
	return whole
}

// field reads the key of f, or what holds without it.
func (d *Decoder) field(n *Node, v reflect.Value, f field, path string) bool {
	at := join(path, f.name)
	value := n.Get(f.name)
	if value == nil {
		if f.required && !d.Partial {
			pos := n.Pos
			if e := n.entry(f.name); e != nil {
				pos = e.KeyPos
			}
			d.Errs.Add(pos, f.name+": "+f.doc, "%skey %q is missing", prefix(path), f.name)
		}
		d.fallback(v, f)
		return !f.required || d.Partial
	}
	if !d.value(value, v, f, at) {
		return false
	}
	if f.required && !d.Partial && isEmpty(v) {
		d.Errs.Add(value.Pos, f.name+": "+f.doc, "%s is empty", at)
		return false
	}
	return true
}

func isEmpty(v reflect.Value) bool {
	if secret, ok := v.Interface().(redact.Secret); ok {
		return secret.Empty()
	}
	switch v.Kind() {
	case reflect.String, reflect.Slice, reflect.Map:
		return v.Len() == 0
	}
	return false
}

// fallback sets the default of an absent key, and those below it.
func (d *Decoder) fallback(v reflect.Value, f field) {
	if isStruct(v.Type()) {
		for _, inner := range fieldsOf(v.Type()) {
			d.fallback(v.FieldByIndex(inner.index), inner)
		}
		return
	}
	if f.fallback == "" {
		return
	}
	quiet := Decoder{Errs: &Errors{}}
	if !quiet.scalar(literal(f.fallback), target(v), f, f.name) {
		panic("conf: default of " + f.name + ": " + quiet.Errs.Err().Error()) // a mistake in a struct's tags
	}
}

// literal returns the Node of a default.
func literal(s string) *Node {
	n := &Node{Kind: Text, Text: s}
	if i, err := strconv.ParseInt(s, 10, 64); err == nil {
		n.Kind, n.Number = Number, i
	} else if s == "true" || s == "false" {
		n.Kind = Bool
	}
	return n
}

// target returns what v is, or points to once that is made.
func target(v reflect.Value) reflect.Value {
	if deref(v.Type()) == v.Type() {
		return v
	}
	v.Set(reflect.New(v.Type().Elem()))
	return v.Elem()
}

// value reads n into v by v's type.
func (d *Decoder) value(n *Node, v reflect.Value, f field, path string) bool {
	v = target(v)
	switch t := v.Type(); {
	case t == nodeType:
		v.Set(reflect.ValueOf(n))
		return true
	case isStruct(t):
		return d.Decode(n, path, v.Addr().Interface())
	case t == secretType || t == durationType || isText(t):
		return d.scalar(n, v, f, path)
	case t.Kind() == reflect.Slice:
		return d.list(n, v, f, path)
	case t.Kind() == reflect.Map:
		return d.mapping(n, v, f, path)
	case t.Kind() == reflect.Interface:
		plain, whole := d.plain(n, path)
		if plain != nil {
			v.Set(reflect.ValueOf(plain))
		}
		return whole
	}
	return d.scalar(n, v, f, path)
}

func (d *Decoder) list(n *Node, v reflect.Value, f field, path string) bool {
	if n.Kind != List {
		d.Errs.Add(n.Pos, "write [a, b], or one line for each with - before it", "%s wants a list, got %s", path, n.Kind)
		return false
	}
	whole := true
	v.Set(reflect.MakeSlice(v.Type(), len(n.Items), len(n.Items)))
	for i, item := range n.Items {
		at := path + "[" + strconv.Itoa(i) + "]"
		if item.Kind == Null {
			d.Errs.Add(item.Pos, "take the line out, or fill it", "%s is empty", at)
			whole = false
			continue
		}
		whole = d.value(item, v.Index(i), f, at) && whole
	}
	return whole
}

func (d *Decoder) mapping(n *Node, v reflect.Value, f field, path string) bool {
	if n.Kind != Map {
		d.Errs.Add(n.Pos, "write key: value pairs", "%s wants a mapping, got %s", path, n.Kind)
		return false
	}
	whole := true
	v.Set(reflect.MakeMapWithSize(v.Type(), len(n.Entries)))
	for _, e := range n.Entries {
		item := reflect.New(v.Type().Elem()).Elem()
		if e.Value.Kind != Null {
			whole = d.value(e.Value, item, f, join(path, e.Key)) && whole
		}
		v.SetMapIndex(reflect.ValueOf(e.Key).Convert(v.Type().Key()), item)
	}
	return whole
}

// validate calls the struct's own checks and gives their errors places.
func (d *Decoder) validate(n *Node, path string, target any) bool {
	v, ok := target.(Validator)
	if !ok {
		return true
	}
	err := v.Validate()
	d.Report(n, path, err)
	return err == nil
}

// Report adds the errors of a check of the mapping n, whose FieldErrors name
// keys below it.
func (d *Decoder) Report(n *Node, path string, err error) {
	var at *FieldError
	if err == nil {
		return
	}
	if many, ok := err.(interface{ Unwrap() []error }); ok { // As would find the first branch alone
		for _, e := range many.Unwrap() {
			d.Report(n, path, e)
		}
		return
	}
	if errors.As(err, &at) {
		d.Errs.Add(n.At(at.Field), at.Hint, "%s%w", prefix(join(path, at.Field)), at.Err)
		return
	}
	var whole *tidemill.Error
	if errors.As(err, &whole) { // its code and place are those of Add
		d.Errs.Add(n.Pos, whole.Hint, "%s%w", prefix(path), whole.Err)
		return
	}
	d.Errs.Add(n.Pos, "", "%s%w", prefix(path), err)
}

// prefix returns the start of a message about path.
func prefix(path string) string {
	if path == "" {
		return ""
	}
	return path + ": "
}
