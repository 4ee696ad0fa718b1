package folder

import (
	"slices"

	"github.com/tidemill/tidemill/pipeline/build/manifest"
	"github.com/tidemill/tidemill/pipeline/build/yml"
)

func readTests(to *[]Test) field {
	return each(func(v *yml.Node) error {
		t, err := readTest(v)
		*to = append(*to, t)
		return err
	})
}

// readTest reads one of
//
//	unique
//	accepted_values: {values: [a, b], severity: warn}
//	accepted_values: {arguments: {values: [a, b]}, config: {severity: warn}}
//	{test_name: accepted_values, name: my_name, values: [a, b]}
func readTest(n *yml.Node) (Test, error) {
	t := Test{Pos: n.Pos}
	if n.Kind == yml.Scalar {
		name, err := n.Text()
		t.Name = name
		return t, err
	}
	if n.Kind != yml.Map || len(n.Fields) == 0 {
		return t, n.Errorf("a test is a name, or a name with arguments")
	}
	fields := n.Fields
	if name := n.Get("test_name"); name != nil {
		text, err := name.Text()
		if err != nil {
			return t, err
		}
		t.Name = text
		fields = slices.DeleteFunc(slices.Clone(fields), func(f yml.Field) bool { return f.Name == "test_name" })
	} else {
		t.Name, fields = n.Fields[0].Name, slices.Clone(n.Fields[1:])
		if err := n.Fields[0].Value.WantMap(); err != nil {
			return t, err
		}
		fields = append(slices.Clone(n.Fields[0].Value.Fields), fields...)
	}
	for _, f := range fields {
		if err := t.set(f); err != nil {
			return t, err
		}
	}
	return t, nil
}

func (t *Test) set(f yml.Field) error {
	switch {
	case f.Value.IsNull() && (f.Name == "arguments" || f.Name == "config" || f.Name == "name" || f.Name == "description"):
		return nil
	case f.Name == "name":
		return text(&t.Label)(f.Value)
	case f.Name == "description":
		return text(&t.Description)(f.Value)
	case f.Name == "arguments":
		t.Args = append(t.Args, f.Value.Fields...)
		return f.Value.WantMap()
	case f.Name == "config":
		return configOf(&t.Config)(f.Value)
	case slices.Contains(manifest.Known(manifest.Test), f.Name):
		t.Config = append(t.Config, f)
	case f.Name == "store_failures", f.Name == "store_failures_as":
		return manifest.UnknownKey(manifest.Test, f)
	default:
		t.Args = append(t.Args, f)
	}
	return nil
}
