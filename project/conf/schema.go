package conf

import (
	"reflect"
	"strconv"
)

// Schema is a JSON Schema (draft 2020-12) or a part of one.
type Schema map[string]any

// variable matches text in which ${...} stands for what it will be.
const variable = `\$\{`

// ObjectSchema describes a mapping of the keys of all these structs, given as
// pointers, and of no others. Whatever Decode takes, it takes; not what is
// required, because a layer of the file may lack it: see Required.
func ObjectSchema(structs ...any) Schema {
	props := Schema{}
	for _, s := range structs {
		for _, f := range fieldsOf(reflect.TypeOf(s).Elem()) {
			props[f.name] = f.schema()
		}
	}
	return Schema{"type": "object", "properties": props, "additionalProperties": false}
}

// Required describes, beside an ObjectSchema of the struct, which keys must
// be there when the file has one layer.
func Required(s any) Schema { return required(reflect.TypeOf(s).Elem()) }

func required(t reflect.Type) Schema {
	var names []string
	props := Schema{}
	for _, f := range fieldsOf(t) {
		if f.required {
			names = append(names, f.name)
		}
		if isStruct(f.typ) {
			if inner := required(f.typ); len(inner) > 0 {
				props[f.name] = inner
			}
		}
	}
	out := Schema{}
	if len(names) > 0 {
		out["required"] = names
	}
	if len(props) > 0 {
		out["properties"] = props
	}
	return out
}

// schema describes the key. A key with no value is as good as none.
func (f field) schema() Schema {
	s := f.typed(f.typ)
	s["description"] = f.doc
	if f.fallback != "" {
		s["default"] = defaultValue(f)
	}
	return s
}

func defaultValue(f field) any {
	n := literal(f.fallback)
	switch {
	case n.Kind == Bool:
		return f.fallback == "true"
	case deref(f.typ).Kind() == reflect.Float64:
		if x, err := strconv.ParseFloat(f.fallback, 64); err == nil {
			return x
		}
	case n.Kind == Number && deref(f.typ).Kind() != reflect.String:
		return n.Number
	}
	return f.fallback
}

// typed describes a value of type t; null is allowed.
func (f field) typed(t reflect.Type) Schema {
	t = deref(t)
	switch {
	case t == nodeType || t.Kind() == reflect.Interface:
		return Schema{}
	case t == secretType:
		return f.text("")
	case t == durationType:
		return f.text(durationPattern)
	case isText(t):
		if d, ok := reflect.New(t).Interface().(Describer); ok {
			_, pattern := d.Describe()
			return f.text(pattern)
		}
		return f.text("")
	case t.Kind() == reflect.Struct:
		s := ObjectSchema(reflect.New(t).Interface())
		s["type"] = []string{"object", "null"}
		return s
	case t.Kind() == reflect.Slice:
		item := f.typed(t.Elem())
		return Schema{"type": []string{"array", "null"}, "items": item}
	case t.Kind() == reflect.Map:
		return Schema{"type": []string{"object", "null"}, "additionalProperties": f.typed(t.Elem())}
	case t.Kind() == reflect.String:
		return f.text("")
	}
	return f.number(t)
}

// text describes text with a form, or with an enum.
func (f field) text(pattern string) Schema {
	s := Schema{"type": []string{"string", "null"}}
	switch {
	case len(f.enum) > 0:
		values := []any{nil}
		for _, e := range f.enum {
			values = append(values, e)
		}
		return Schema{"anyOf": []Schema{{"enum": values}, {"type": "string", "pattern": variable}}}
	case pattern != "":
		return Schema{"type": []string{"string", "null"}, "anyOf": []Schema{{"pattern": pattern}, {"pattern": variable}}}
	case f.required && (f.typ == secretType || f.typ.Kind() == reflect.String):
		s["minLength"] = 1
	}
	return s
}

// number describes numbers and booleans, for which a variable may stand.
func (f field) number(t reflect.Type) Schema {
	s := Schema{}
	switch t.Kind() {
	case reflect.Bool:
		s["type"] = []string{"boolean", "null"}
	case reflect.Float32, reflect.Float64:
		s["type"] = []string{"number", "null"}
	default:
		s["type"] = []string{"integer", "null"}
	}
	if f.min != nil {
		s["minimum"] = *f.min
	} else if t.Kind() >= reflect.Uint && t.Kind() <= reflect.Uint64 {
		s["minimum"] = 0
	}
	return Schema{"anyOf": []Schema{s, {"type": "string", "pattern": variable}}}
}
