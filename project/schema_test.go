package project_test

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/tidemill/tidemill/project"
)

// compiled returns the schema, which must be one.
func compiled(t testing.TB) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(project.Schema(kinds())))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("tidemill.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("tidemill.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// instance reads YAML as an editor would, with variables quoted, which plain
// YAML wants within {} and [].
func instance(text string) (any, error) {
	var v any
	if err := yaml.Unmarshal([]byte(quoteVariables(text)), &v); err != nil {
		return nil, err
	}
	j, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	return jsonschema.UnmarshalJSON(bytes.NewReader(j))
}

func quoteVariables(text string) string {
	var out []string
	for line := range strings.SplitSeq(text, "\n") {
		for _, v := range []string{"${AMQP_URL}", "${MISSING_TOO}", "${WORD}", "${NOT_NEEDED_IN_DEV}", "${NOT_EVEN_THIS}"} {
			line = strings.ReplaceAll(line, v, `"`+v+`"`)
		}
		out = append(out, line)
	}
	return strings.Join(out, "\n")
}

func TestSchemaAcceptsWhatLoadAccepts(t *testing.T) {
	schema := compiled(t)
	files, _ := filepath.Glob("testdata/ok/*.yml")
	if len(files) < 3 {
		t.Fatal("no examples")
	}
	for _, file := range files {
		v, err := instance(read(t, file))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(v); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
}

// TestSchemaRefuses: the schema is of use only if it finds what it can.
func TestSchemaRefuses(t *testing.T) {
	schema := compiled(t)
	for _, name := range []string{"unknown_keys", "types", "enums", "missing", "targets", "shapes", "names"} {
		v, err := instance(read(t, "testdata/errors/"+name+".yml"))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if schema.Validate(v) == nil {
			t.Errorf("the schema accepts %s", name)
		}
	}
}

func TestReference(t *testing.T) {
	golden(t, "testdata/reference.md", project.Reference(kinds()))
}

func TestSchemaGolden(t *testing.T) {
	golden(t, "testdata/schema.json", string(project.Schema(kinds())))
}
