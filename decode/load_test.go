package decode_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/decode"
	"github.com/tidemill/tidemill/project"
)

const head = "syntax = \"proto3\";\npackage p;\n"

func TestNewRefuses(t *testing.T) {
	for _, c := range []struct {
		name  string
		cfg   project.Decode
		files map[string]string
		want  string // the error
		hint  string
	}{
		{"syntax", project.Decode{Files: []string{"proto/a.proto"}}, map[string]string{"proto/a.proto": head + "message A {\n  strin x = 1\n}\n"}, "proto/a.proto:5:1: decode: syntax error", "mend"},
		{"type", project.Decode{Files: []string{"a.proto"}}, map[string]string{"a.proto": head + "message A { strin x = 1; }\n"}, "a.proto:3:13: decode: ", "mend"},
		{"in an import", project.Decode{Files: []string{"proto/a.proto"}}, map[string]string{"proto/a.proto": head + "import \"b.proto\";\n", "proto/b.proto": head + "message\n"}, "proto/b.proto:", "mend"},
		{"import", project.Decode{Files: []string{"proto/a.proto"}}, map[string]string{"proto/a.proto": head + "import \"c.proto\";\n"}, "proto/a.proto:3:8: decode: ", "decode.imports"},
		{"file", project.Decode{Files: []string{"proto/none.proto"}}, nil, "none.proto", "proto/none.proto is not there"},
		{"set", project.Decode{Descriptors: "set.pb"}, map[string]string{"set.pb": "nonsense"}, "set.pb: decode: read descriptor set", "protoc"},
		{"no schema", project.Decode{Format: "protobuf"}, nil, "no schema", "decode.files"},
		{"both", project.Decode{Files: []string{"a"}, Descriptors: "b"}, nil, "both files and descriptors", "one"},
		{"format", project.Decode{Format: "xml"}, nil, `format "xml"`, "json and protobuf"},
		{"header", project.Decode{Message: "header:"}, nil, "no name", "header:NAME"},
		{"any", project.Decode{Message: "any"}, nil, "needs a schema", "decode.files"},
		{"fixed", project.Decode{Files: []string{"a.proto"}, Message: "p.Ordr"}, map[string]string{"a.proto": head + "message Order {}\n"}, `"p.Ordr"`, "Order"},
		{"reserved name", project.Decode{Files: []string{"a.proto"}}, map[string]string{"a.proto": head + "message A { string _unknown = 1 [json_name = \"_unknown\"]; }\n"}, "JSON name", "json_name"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := decode.New(c.cfg, newProject(t, c.files))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got %v\nwant %s", err, c.want)
			}
			if code := tidemill.CodeOf(err); code != tidemill.Invalid && code != tidemill.NotFound && code != tidemill.UnknownType {
				t.Errorf("code %s", code)
			}
			if hint := strings.Join(tidemill.Hints(err), " "); !strings.Contains(hint, c.hint) {
				t.Errorf("hint %q", hint)
			}
		})
	}
}

// TestImports: files may import each other by their path below proto, below
// the project, or below a folder that is named.
func TestImports(t *testing.T) {
	for name, c := range map[string]struct {
		cfg   project.Decode
		files map[string]string
	}{
		"below proto": {
			project.Decode{Files: []string{"proto/a.proto", "proto/x/b.proto"}},
			map[string]string{"proto/a.proto": head + "import \"x/b.proto\"; message A { B b = 1; }", "proto/x/b.proto": head + "message B {}"},
		},
		"below the project": {
			project.Decode{Files: []string{"proto/a.proto", "proto/x/b.proto"}},
			map[string]string{"proto/a.proto": head + "import \"proto/x/b.proto\"; message A { B b = 1; }", "proto/x/b.proto": head + "message B {}"},
		},
		"named": {
			project.Decode{Files: []string{"a.proto"}, Imports: []string{"vendor/schemas"}},
			map[string]string{"a.proto": head + "import \"b.proto\"; message A { B b = 1; }", "vendor/schemas/b.proto": head + "message B {}"},
		},
		"outside": {
			project.Decode{Files: []string{"../shared/a.proto"}},
			nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := newProject(t, c.files)
			if name == "outside" {
				base := newProject(t, map[string]string{"shared/a.proto": head + "message A {}", "p/x": ""})
				dir = filepath.Join(base, "p")
			}
			c.cfg.Format = "protobuf"
			d := newDecoder(t, c.cfg, dir)
			e, err := d.Decode(nil, &tidemill.Message{Type: "A", Value: []byte{0x0a, 0}})
			if err != nil || e.Identity != "p.A" {
				t.Errorf("%v %v", e, err)
			}
		})
	}
}

// TestAmbiguous: two packages with the same relative name.
func TestAmbiguous(t *testing.T) {
	dir := newProject(t, map[string]string{
		"a.proto": "syntax = \"proto3\"; package a; message Order { string x = 1; message Line {} }",
		"b.proto": "syntax = \"proto3\"; package b; message Order { string x = 1; } message Only { string x = 1; }",
	})
	d := newDecoder(t, project.Decode{Format: "protobuf", Files: []string{"a.proto", "b.proto"}}, dir)
	m := tidemill.Message{Type: "Order", Value: []byte{0x0a, 0}}
	if _, err := d.Decode(nil, &m); tidemill.CodeOf(err) != tidemill.UnknownType || !strings.Contains(strings.Join(tidemill.Hints(err), ""), "a.Order, b.Order") {
		t.Errorf("%v %q", err, tidemill.Hints(err))
	}
	m.Type = "b.Order"
	if e, err := d.Decode(nil, &m); err != nil || e.Type != "b.Order" || e.Identity != "b.Order" {
		t.Errorf("%v %v", e, err)
	}
	m.Type = "Only"
	if e, err := d.Decode(nil, &m); err != nil || e.Type != "Only" || e.Identity != "b.Only" {
		t.Errorf("%v %v", e, err)
	}
}

func TestDescriptorSet(t *testing.T) {
	label, kind := descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL, descriptorpb.FieldDescriptorProto_TYPE_MESSAGE
	file := &descriptorpb.FileDescriptorProto{
		Name: proto.String("e.proto"), Package: proto.String("p"), Syntax: proto.String("proto3"),
		Dependency: []string{"google/protobuf/timestamp.proto"},
		MessageType: []*descriptorpb.DescriptorProto{{Name: proto.String("E"), Field: []*descriptorpb.FieldDescriptorProto{{
			Name: proto.String("at"), Number: proto.Int32(1), Label: &label, Type: &kind, TypeName: proto.String(".google.protobuf.Timestamp"),
		}}}},
	}
	for _, set := range []*descriptorpb.FileDescriptorSet{
		{File: []*descriptorpb.FileDescriptorProto{file}},
		{File: []*descriptorpb.FileDescriptorProto{protodesc.ToFileDescriptorProto(timestamppb.File_google_protobuf_timestamp_proto), file}},
	} {
		raw, err := proto.Marshal(set)
		if err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "set.pb"), raw, 0o644); err != nil {
			t.Fatal(err)
		}
		d := newDecoder(t, project.Decode{Format: "protobuf", Descriptors: "set.pb"}, dir)
		e, err := d.Decode(nil, &tidemill.Message{Type: "E", Value: []byte{0x0a, 2, 0x08, 1}})
		if err != nil || string(e.Payload) != `{"at":"1970-01-01T00:00:01Z"}` {
			t.Errorf("%s %v", e.Payload, err)
		}
	}
}
