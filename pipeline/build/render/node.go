package render

import (
	"github.com/tidemill/tidemill/jinja"
	"github.com/tidemill/tidemill/pipeline/build/manifest"
)

// NodeValue is n as templates see it under the name model.
func NodeValue(n *manifest.Node) any {
	if n == nil {
		return nil
	}
	config := jinja.NewDict()
	for _, f := range n.Config.Values {
		_ = config.Set(f.Name, ToValue(f.Value)) // strings always hash
	}
	if m := n.Materialized(); m != "" {
		_ = config.Set("materialized", m)
	}
	columns := jinja.NewDict()
	for _, c := range n.Columns {
		_ = columns.Set(c.Name, jinja.DictOf("name", c.Name, "description", c.Description, "data_type", text(c.DataType), "tags", list(c.Tags), "meta", meta(ToValue(c.Meta))))
	}
	return jinja.DictOf(
		"unique_id", n.ID, "resource_type", string(n.Kind), "name", n.Name, "package_name", n.Package, "fqn", list(n.FQN),
		"database", text(n.Relation.Database), "schema", n.Relation.Schema, "alias", n.Relation.Identifier,
		"path", n.Path, "original_file_path", n.File, "raw_code", n.Raw, "language", "sql", "description", n.Description,
		"tags", list(n.Config.Tags), "meta", meta(ToValue(n.Config.Meta)), "config", config, "columns", columns,
		"checksum", jinja.DictOf("name", "sha256", "checksum", n.Checksum),
		"depends_on", jinja.DictOf("nodes", list(n.DependsOn)),
	)
}

func list(texts []string) *jinja.List {
	l := jinja.NewList()
	for _, t := range texts {
		l.Items = append(l.Items, t)
	}
	return l
}

// meta is an empty dict where nothing was set.
func meta(v any) any {
	if v == nil {
		return jinja.NewDict()
	}
	return v
}
