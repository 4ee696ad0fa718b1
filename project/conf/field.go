package conf

import (
	"encoding"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/tidemill/tidemill/internal/redact"
)

// Describer is a type with UnmarshalText that says for people and for the
// schema what text it takes.
type Describer interface {
	// Describe returns a word or two, such as "size", and a regular
	// expression that every accepted text matches.
	Describe() (name, pattern string)
}

// field is one key of a struct.
type field struct {
	name     string
	doc      string
	fallback string // the default, as in YAML
	enum     []string
	required bool
	min      *int64
	typ      reflect.Type
	index    []int // for reflect.Value.FieldByIndex
}

var (
	secretType   = reflect.TypeFor[redact.Secret]()
	durationType = reflect.TypeFor[time.Duration]()
	nodeType     = reflect.TypeFor[*Node]()
	textType     = reflect.TypeFor[encoding.TextUnmarshaler]()
)

var fieldCache sync.Map // reflect.Type -> []field

// fieldsOf reads the tags of a struct. It panics where they are wrong: that
// is a mistake in the program, which any use of the struct shows.
func fieldsOf(t reflect.Type) []field {
	if cached, ok := fieldCache.Load(t); ok {
		return cached.([]field)
	}
	var fields []field
	for sf := range t.Fields() {
		tag, tagged := sf.Tag.Lookup("yaml")
		switch {
		case tag == "-":
			continue
		case sf.Anonymous && !tagged:
			for _, f := range fieldsOf(sf.Type) {
				f.index = append(slices.Clone(sf.Index), f.index...)
				fields = append(fields, f)
			}
			continue
		case !sf.IsExported():
			continue
		}
		fields = append(fields, newField(t, sf, tag))
	}
	fieldCache.Store(t, fields)
	return fields
}

func newField(t reflect.Type, sf reflect.StructField, name string) field {
	f := field{
		name:     name,
		doc:      sf.Tag.Get("doc"),
		fallback: sf.Tag.Get("default"),
		required: sf.Tag.Get("required") == "true",
		typ:      sf.Type,
		index:    sf.Index,
	}
	if name == "" || f.doc == "" {
		panic(fmt.Sprintf("conf: field %s.%s needs the tags yaml and doc", t, sf.Name))
	}
	if e := sf.Tag.Get("enum"); e != "" {
		f.enum = strings.Split(e, ",")
	}
	if m := sf.Tag.Get("min"); m != "" {
		least, err := strconv.ParseInt(m, 10, 64)
		if err != nil {
			panic(fmt.Sprintf("conf: field %s.%s: min: %v", t, sf.Name, err))
		}
		f.min = &least
	}
	return f
}

// isText reports whether values of t are made from text by their own method.
func isText(t reflect.Type) bool { return reflect.PointerTo(t).Implements(textType) }

// isStruct reports whether t is a struct that is read by its fields.
func isStruct(t reflect.Type) bool {
	return t.Kind() == reflect.Struct && t != secretType && !isText(t)
}

// deref returns what a pointer of the configuration points to.
func deref(t reflect.Type) reflect.Type {
	if t.Kind() == reflect.Pointer && t != nodeType {
		return t.Elem()
	}
	return t
}

// Keys returns the keys of the struct that ptr points to.
func Keys(ptr any) []string {
	var names []string
	for _, f := range fieldsOf(reflect.TypeOf(ptr).Elem()) {
		names = append(names, f.name)
	}
	return names
}
