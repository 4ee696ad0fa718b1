package render

import (
	"crypto/md5"
	"encoding/hex"
	"fmt"

	"github.com/tidemill/tidemill/jinja"
	"github.com/tidemill/tidemill/pipeline/build/manifest"
	"github.com/tidemill/tidemill/pipeline/build/yml"
)

// DBTVersion is the version of dbt whose behaviour projects get.
const DBTVersion = "1.12.0"

func setOf(_ *Context, call *jinja.Call) (any, error) {
	args, err := call.Unpack("set", "value", "default?")
	if err != nil {
		return nil, err
	}
	items, err := call.Items(args[0])
	if err == nil {
		var s *jinja.Set
		if s, err = jinja.NewSet(items...); err == nil {
			return s, nil
		}
	}
	if args[1] != jinja.Missing {
		return args[1], nil
	}
	return nil, err
}

// zipped is zip, as long as the shortest of its arguments.
func zipped(_ *Context, call *jinja.Call) (any, error) {
	for _, kw := range call.Kwargs {
		if kw.Name != "default" {
			return nil, fmt.Errorf("zip() takes no argument %s", kw.Name)
		}
	}
	var columns [][]any
	for _, a := range call.Args {
		items, err := call.Items(a)
		if fallback, ok := call.Kwarg("default"); ok && err != nil {
			return fallback, nil //nolint:nilerr // as Python's zip_strict: what cannot be zipped gives the default
		}
		if err != nil {
			return nil, err
		}
		columns = append(columns, items)
	}
	out := jinja.NewList()
	for i := 0; len(columns) > 0; i++ {
		row := make(jinja.Tuple, len(columns))
		for j, c := range columns {
			if i == len(c) {
				return out, nil
			}
			row[j] = c[i]
		}
		out.Items = append(out.Items, row)
	}
	return out, nil
}

func (c *Context) localMD5(call *jinja.Call) (any, error) {
	args, err := call.Unpack("local_md5", "value")
	if err != nil {
		return nil, err
	}
	sum := md5.Sum([]byte(jinja.Str(args[0])))
	return hex.EncodeToString(sum[:]), nil
}

func (c *Context) fromYAML(call *jinja.Call) (any, error) {
	args, err := call.Unpack("fromyaml", "value", "default?")
	if err != nil {
		return nil, err
	}
	n, err := yml.Parse("fromyaml()", []byte(jinja.Str(args[0])))
	switch {
	case err == nil:
		return ToValue(n), nil
	case args[1] != jinja.Missing:
		return args[1], nil
	}
	return nil, err
}

// api is api.Relation, which makes relations of names.
type api struct{ c *Context }

// GetAttr returns Relation.
func (a api) GetAttr(name string) (any, bool) { return relationClass(a), name == "Relation" }

type relationClass struct{ c *Context }

// GetAttr returns create.
func (r relationClass) GetAttr(name string) (any, bool) {
	return jinja.Func(r.create), name == "create"
}

func (r relationClass) create(call *jinja.Call) (any, error) {
	args, err := call.Unpack("api.Relation.create", "database?", "schema?", "identifier?", "type?")
	if err != nil {
		return nil, err
	}
	texts := make([]string, len(args))
	for i, a := range args {
		if a != jinja.Missing && a != nil {
			texts[i] = jinja.Str(a)
		}
	}
	at := manifest.Relation{Database: texts[0], Schema: texts[1], Identifier: texts[2]}
	return NewRelation(r.c.Library.Dialect, r.c.Target.Database, at, texts[3]), nil
}
