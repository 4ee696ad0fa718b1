package render

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/tidemill/tidemill/internal/ident"
	"github.com/tidemill/tidemill/jinja"
	"github.com/tidemill/tidemill/pipeline/build/manifest"
	"github.com/tidemill/tidemill/project/conf"
)

// adapter is what templates know of the warehouse.
type adapter struct{ c *Context }

// GetAttr returns a function.
func (a adapter) GetAttr(name string) (any, bool) {
	f := map[string]jinja.Func{
		"dispatch":                a.dispatch,
		"quote":                   a.quote,
		"type":                    func(*jinja.Call) (any, error) { return string(a.c.Library.Dialect), nil },
		"get_relation":            a.relation,
		"get_columns_in_relation": a.columns,
	}[name]
	return f, f != nil
}

func (a adapter) dispatch(call *jinja.Call) (any, error) {
	args, err := call.Unpack("adapter.dispatch", "macro_name", "macro_namespace?", "packages?")
	if err != nil {
		return nil, err
	}
	name, namespace := jinja.Str(args[0]), ""
	if args[1] != jinja.Missing && args[1] != nil {
		namespace = jinja.Str(args[1])
	}
	if m := a.c.Library.dispatch(name, namespace); m != nil {
		return m.Bind(a.c.Scope()), nil
	}
	hint := ""
	if near := conf.Nearest("default__"+name, a.c.Library.Names()); near != "" {
		hint = fmt.Sprintf("; did you mean %s?", strings.TrimPrefix(near, "default__"))
	}
	return nil, fmt.Errorf("no macro %s__%s or default__%s%s", a.c.Library.Dialect, name, name, hint)
}

func (a adapter) quote(call *jinja.Call) (any, error) {
	args, err := call.Unpack("adapter.quote", "identifier")
	if err != nil {
		return nil, err
	}
	return ident.Quote(a.c.Library.Dialect, jinja.Str(args[0]))
}

func (a adapter) relation(call *jinja.Call) (any, error) {
	args, err := call.Unpack("adapter.get_relation", "database", "schema", "identifier")
	if err != nil || !a.c.Execute() {
		return nil, err
	}
	r := manifest.Relation{Schema: jinja.Str(args[1]), Identifier: jinja.Str(args[2]), Database: a.c.Target.Database}
	if s, ok := args[0].(string); ok && s != "" {
		r.Database = s
	}
	return relationOrError(a.c.Warehouse.Lookup(call.Context(), r))
}

func (c *Context) loadRelation(call *jinja.Call) (any, error) {
	args, err := call.Unpack("load_relation", "relation")
	if err != nil || !c.Execute() {
		return nil, err
	}
	r, ok := args[0].(*Relation)
	if !ok {
		return nil, fmt.Errorf("load_relation() takes a relation, got %s", jinja.Repr(args[0]))
	}
	return relationOrError(c.Warehouse.Lookup(call.Context(), r.Relation))
}

func (a adapter) columns(call *jinja.Call) (any, error) {
	args, err := call.Unpack("adapter.get_columns_in_relation", "relation")
	if err != nil {
		return nil, err
	}
	list := jinja.NewList()
	if !a.c.Execute() {
		return list, nil
	}
	r, ok := args[0].(*Relation)
	if !ok {
		return nil, fmt.Errorf("get_columns_in_relation() takes a relation, got %s", jinja.Repr(args[0]))
	}
	if r.Type == CTEType {
		return nil, errors.New("get_columns_in_relation(): an ephemeral model has no columns before it is used")
	}
	columns, err := a.c.Warehouse.Columns(call.Context(), r.Relation)
	if err != nil {
		return nil, err
	}
	for _, col := range columns {
		col.Dialect = a.c.Library.Dialect
		list.Items = append(list.Items, col)
	}
	return list, nil
}

var (
	stringTypes  = regexp.MustCompile(`(?i)^(char|varchar|character|text|string|bpchar)`)
	integerTypes = regexp.MustCompile(`(?i)^u?(tiny|small|big|huge)?int(eger|\d+)?$`)
	floatTypes   = regexp.MustCompile(`(?i)^(float\d*|real|double( precision)?)$`)
	numericTypes = regexp.MustCompile(`(?i)^(numeric|decimal|number|bignumeric)`)
)

// typeIs answers is_string and its like for the spelling of a type.
func typeIs(question, typ string) bool {
	switch question {
	case "is_string":
		return stringTypes.MatchString(typ)
	case "is_integer":
		return integerTypes.MatchString(typ)
	case "is_float":
		return floatTypes.MatchString(typ)
	case "is_numeric":
		return numericTypes.MatchString(typ)
	}
	return integerTypes.MatchString(typ) || floatTypes.MatchString(typ) || numericTypes.MatchString(typ)
}
