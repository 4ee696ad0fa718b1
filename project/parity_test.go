package project_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"pgregory.net/rapid"

	"github.com/tidemill/tidemill/project"
)

// leaves are values that a mutation puts in the place of others.
var leaves = []any{nil, "", 0, 1, -1, 1.5, true, "x", "off", "1s", "5% of 10", "16MiB", "${X:-1}", "a$$b", "json", "envelope", "append", "amqp", "file", []any{}, []any{"a"}, map[string]any{}}

// mutate changes one place of a tree of maps and lists.
func mutate(t *rapid.T, v any) any {
	switch v := v.(type) {
	case map[string]any:
		keys := make([]string, 0, len(v))
		for k := range v {
			keys = append(keys, k)
		}
		slices.Sort(keys)
		if len(keys) == 0 || rapid.IntRange(0, 9).Draw(t, "stop") == 0 {
			break
		}
		k := rapid.SampledFrom(keys).Draw(t, "key")
		if rapid.IntRange(0, 4).Draw(t, "delete") == 0 {
			delete(v, k)
		} else {
			v[k] = mutate(t, v[k])
		}
		return v
	case []any:
		if len(v) > 0 && rapid.Bool().Draw(t, "inside") {
			i := rapid.IntRange(0, len(v)-1).Draw(t, "index")
			v[i] = mutate(t, v[i])
			return v
		}
	}
	return rapid.SampledFrom(leaves).Draw(t, "leaf")
}

func example(t testing.TB, name string) map[string]any {
	t.Helper()
	var v map[string]any
	if err := yaml.Unmarshal([]byte(quoteVariables(read(t, "testdata/ok/"+name))), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// TestSchemaAndLoadAgree moves keys between the file and its targets, changes
// some, and holds the schema to accept what still loads.
func TestSchemaAndLoadAgree(t *testing.T) {
	schema := compiled(t)
	dir := folder(t, map[string]string{"secret.txt": "s3cret-in-file"})
	loaded, refused := 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		doc := example(t, rapid.SampledFrom([]string{"full.yml", "flat.yml"}).Draw(rt, "example"))
		if rapid.Bool().Draw(rt, "layered") {
			other := example(t, "flat.yml")
			for range rapid.IntRange(0, 3).Draw(rt, "changes of the layer") {
				other, _ = mutate(rt, other).(map[string]any)
			}
			doc["targets"] = map[string]any{"dev": other, "empty": nil}
		}
		for range rapid.IntRange(0, 3).Draw(rt, "changes") {
			doc, _ = mutate(rt, doc).(map[string]any)
		}
		text, err := json.Marshal(doc)
		if err != nil {
			rt.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "tidemill.yml"), text, 0o600); err != nil {
			rt.Fatal(err)
		}
		v, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		if err != nil {
			rt.Fatal(err)
		}
		_, err = project.Load(dir, project.Options{Kinds: kinds(), Env: variables(allVariables)})
		bad := schema.Validate(v)
		if err == nil {
			loaded++
		}
		if bad != nil {
			refused++
		}
		if err == nil && bad != nil {
			rt.Fatalf("Load accepts what the schema refuses: %v\n%s", bad, text)
		}
	})
	if loaded == 0 || refused == 0 {
		t.Errorf("%d documents loaded and %d were refused: the test sees nothing", loaded, refused)
	}
}
