package conf

import (
	"cmp"
	"fmt"
	"reflect"
	"strings"
)

// Row is a key in a table of the reference.
type Row struct {
	Key     string // dotted from the top of the table
	Type    string
	Default string // "" where there is none
	Doc     string
}

// Rows lists the keys of a struct, given as a pointer, and those below them,
// in the order of its fields.
func Rows(s any) []Row { return rows(reflect.TypeOf(s).Elem(), "") }

func rows(t reflect.Type, path string) []Row {
	var out []Row
	for _, f := range fieldsOf(t) {
		r := Row{Key: join(path, f.name), Type: f.typeName(f.typ), Default: f.fallback, Doc: f.doc}
		if f.required {
			r.Default = "required"
		}
		out = append(out, r)
		inner, suffix := deref(f.typ), ""
		switch inner.Kind() {
		case reflect.Slice:
			inner, suffix = deref(inner.Elem()), "[]"
		case reflect.Map:
			inner, suffix = deref(inner.Elem()), ".NAME"
		}
		if inner.Kind() == reflect.Struct && isStruct(inner) && inner != nodeType.Elem() {
			out = append(out, rows(inner, r.Key+suffix)...)
		}
	}
	return out
}

// typeName names a type as the tables do.
func (f field) typeName(t reflect.Type) string {
	t = deref(t)
	switch {
	case t == nodeType || isStruct(t):
		return "mapping"
	case len(f.enum) > 0:
		return strings.Join(f.enum, ", ")
	case t == durationType:
		return "duration"
	case t == secretType:
		return "secret"
	case isText(t):
		return describe(t)
	}
	switch t.Kind() {
	case reflect.Slice:
		return "list of " + f.typeName(t.Elem())
	case reflect.Map:
		return "mapping of " + f.typeName(t.Elem())
	case reflect.Interface:
		return "any"
	case reflect.Bool:
		return "boolean"
	case reflect.String:
		return "text"
	case reflect.Float32, reflect.Float64:
		return "number"
	}
	return "whole number"
}

// Table writes rows as a table of Markdown.
func Table(rows []Row) string {
	var b strings.Builder
	b.WriteString("| Key | Type | Default | Meaning |\n|---|---|---|---|\n")
	for _, r := range rows {
		def := r.Default
		if def != "" && def != "required" {
			def = "`" + def + "`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", r.Key, cell(r.Type), cmp.Or(cell(def), " "), cell(r.Doc))
	}
	return b.String()
}

var cellEscapes = strings.NewReplacer("|", `\|`, "\n", " ", "<", "&lt;", "*", `\*`)

func cell(s string) string { return cellEscapes.Replace(s) }
