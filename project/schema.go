package project

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"

	"github.com/tidemill/tidemill/project/conf"
)

// Schema returns the JSON Schema (draft 2020-12) of tidemill.yml with these
// kinds of connections. It refuses nothing that Load accepts.
func Schema(kinds []Kind) []byte {
	s := layers()
	s["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	s["title"] = File
	s["description"] = "A Tidemill project. Text may hold ${VAR}, ${VAR:-default} and ${file:/path}; $$ is a dollar sign."
	s["$defs"] = definitions(kinds)
	// What a file without targets lacks is lacking; with targets another
	// layer may have it.
	s["if"] = conf.Schema{"not": conf.Schema{"required": []string{"targets"}}}
	then := conf.Required(new(layout))
	then["properties"] = conf.Schema{
		"connections": named(conf.Required(new(head))),
		"pipelines":   named(conf.Required(new(Pipeline))),
	}
	s["then"] = then
	b, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		panic("project: schema: " + err.Error()) // it is maps of text, numbers and lists
	}
	return append(b, '\n')
}

// layers describes the file, and each target as the same without targets.
func layers() conf.Schema {
	target := conf.ObjectSchema(new(layout))
	fill := func(s conf.Schema) conf.Schema {
		props := s["properties"].(conf.Schema)
		props["connections"].(conf.Schema)["type"] = []string{"object", "null"}
		props["connections"].(conf.Schema)["additionalProperties"] = conf.Schema{"$ref": "#/$defs/connection"}
		props["connections"].(conf.Schema)["propertyNames"] = conf.Schema{"pattern": namePattern}
		props["pipelines"].(conf.Schema)["type"] = []string{"object", "null"}
		props["pipelines"].(conf.Schema)["additionalProperties"] = conf.Schema{"$ref": "#/$defs/pipeline"}
		props["pipelines"].(conf.Schema)["propertyNames"] = conf.Schema{"pattern": namePattern}
		return s
	}
	fill(target)
	delete(target["properties"].(conf.Schema), "targets")
	target["type"] = []string{"object", "null"}
	file := fill(conf.ObjectSchema(new(layout)))
	targets := file["properties"].(conf.Schema)["targets"].(conf.Schema)
	targets["type"] = []string{"object", "null"}
	targets["additionalProperties"] = target
	targets["propertyNames"] = conf.Schema{"pattern": namePattern}
	return file
}

// named describes a mapping by name.
func named(value conf.Schema) conf.Schema {
	return conf.Schema{"additionalProperties": value}
}

func definitions(kinds []Kind) conf.Schema {
	defs := conf.Schema{"connection": connectionSchema(kinds), "pipeline": pipelineSchema(kinds)}
	for _, k := range kinds {
		s := conf.ObjectSchema(new(head), k.Connection())
		s["description"] = k.Doc
		defs["connection."+k.Type] = s
	}
	return defs
}

// connectionSchema leaves the choice of the keys to the type. A layer without
// one lies over another that has it.
func connectionSchema(kinds []Kind) conf.Schema {
	var names []any
	var cases []conf.Schema
	for _, k := range kinds {
		names = append(names, k.Type)
		cases = append(cases, conf.Schema{
			"if": conf.Schema{
				"properties": conf.Schema{"type": conf.Schema{"const": k.Type}},
				"required":   []string{"type"},
			},
			"then": conf.Schema{"$ref": "#/$defs/connection." + k.Type},
		})
	}
	s := conf.Schema{
		"type":       []string{"object", "null"},
		"properties": conf.Schema{"type": conf.Schema{"enum": append(names, nil), "description": "Kind of the connection."}},
	}
	if len(cases) > 0 {
		s["allOf"] = cases
	}
	return s
}

// pipelineSchema has the keys of all sources beside `connection:`, because
// the schema of a source cannot see the type of the connection.
func pipelineSchema(kinds []Kind) conf.Schema {
	s := conf.ObjectSchema(new(Pipeline))
	s["type"] = []string{"object", "null"}
	source := s["properties"].(conf.Schema)["source"].(conf.Schema)
	props := source["properties"].(conf.Schema)
	by := map[string][]string{}
	for _, k := range kinds {
		if k.Source == nil {
			continue
		}
		for name, prop := range conf.ObjectSchema(k.Source())["properties"].(conf.Schema) {
			props[name] = either(props[name], prop)
			by[name] = append(by[name], k.Type)
		}
	}
	for name, types := range by {
		p := props[name].(conf.Schema)
		p["description"] = fmt.Sprintf("%v (%s)", p["description"], strings.Join(types, ", "))
	}
	return s
}

// either joins the schemas of two kinds for one key.
func either(a, b any) any {
	if a == nil || reflect.DeepEqual(a, b) {
		return b
	}
	return conf.Schema{"anyOf": []any{a, b}, "description": a.(conf.Schema)["description"]}
}

// Reference returns the keys of tidemill.yml with these kinds of connections
// as Markdown.
func Reference(kinds []Kind) string {
	var b strings.Builder
	b.WriteString("# tidemill.yml\n\n" +
		"Every key, its type, its default and its meaning. Text may hold `${VAR}`, `${VAR:-default}` and\n" +
		"`${file:/path}`; `$$` is a dollar sign. Durations are written as `500ms`, `10s`, `5m`, `1h`; sizes as `16MiB`.\n" +
		"`tidemill schema` prints the same for editors.\n\n")
	b.WriteString("## The file\n\n" + conf.Table(conf.Rows(new(layout))))
	for _, k := range kinds {
		fmt.Fprintf(&b, "\n## Connections of type `%s`\n\n%s%s\n\n", k.Type, k.Doc, abilities(k))
		b.WriteString(conf.Table(conf.Rows(k.Connection())))
		if k.Source != nil {
			fmt.Fprintf(&b, "\nBeside `connection:` in the `source:` of a pipeline:\n\n%s", conf.Table(conf.Rows(k.Source())))
		}
	}
	b.WriteString("\n## Pipelines\n\n" + conf.Table(conf.Rows(new(Pipeline))))
	return b.String()
}

func abilities(k Kind) string {
	switch {
	case k.Warehouse && k.Source != nil:
		return " It can be the warehouse, and a source."
	case k.Warehouse:
		return " It can be the warehouse."
	case k.Source != nil:
		return " It can be a source."
	}
	return ""
}
