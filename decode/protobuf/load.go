package protobuf

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/bufbuild/protocompile"
	"github.com/bufbuild/protocompile/reporter"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
	// Any may hold these without their being imported.
	_ "google.golang.org/protobuf/types/known/anypb"
	_ "google.golang.org/protobuf/types/known/durationpb"
	_ "google.golang.org/protobuf/types/known/emptypb"
	_ "google.golang.org/protobuf/types/known/fieldmaskpb"
	_ "google.golang.org/protobuf/types/known/structpb"
	_ "google.golang.org/protobuf/types/known/timestamppb"
	_ "google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/tidemill/tidemill"
)

var wellKnown = []string{
	"google/protobuf/any.proto", "google/protobuf/duration.proto", "google/protobuf/empty.proto", "google/protobuf/field_mask.proto",
	"google/protobuf/struct.proto", "google/protobuf/timestamp.proto", "google/protobuf/wrappers.proto",
}

// Load reads schemas: the .proto files, whose imports are looked for in the
// project folder dir, in its folder proto and in imports; or, where
// descriptors names one, a FileDescriptorSet. An error is a *tidemill.Error
// that names the file and the place.
func Load(files, imports []string, descriptors, dir string) (*Schema, error) {
	set, err := readSet(descriptors, dir)
	if descriptors == "" {
		set, err = compile(files, imports, dir)
	}
	if err != nil {
		return nil, err
	}
	have := make(map[string]bool)
	for _, f := range set.File {
		have[f.GetName()] = true
	}
	for _, name := range append(wellKnown, "google/protobuf/descriptor.proto") {
		if fd, err := protoregistry.GlobalFiles.FindFileByPath(name); err == nil && !have[name] {
			set.File = append(set.File, protodesc.ToFileDescriptorProto(fd))
		}
	}
	registry, err := protodesc.NewFiles(set)
	if err != nil {
		return nil, &tidemill.Error{
			Code: tidemill.Invalid, Op: "decode", Pos: tidemill.Pos{File: descriptors}, Err: err,
			Hint: "make the descriptor set with --include_imports",
		}
	}
	return newSchema(registry)
}

func readSet(name, dir string) (*descriptorpb.FileDescriptorSet, error) {
	set := new(descriptorpb.FileDescriptorSet)
	if name == "" {
		return set, nil
	}
	raw, err := os.ReadFile(inDir(dir, name))
	if err != nil {
		return nil, missing(name, err)
	}
	if err := proto.Unmarshal(raw, set); err != nil {
		return nil, &tidemill.Error{
			Code: tidemill.Invalid, Op: "decode", Pos: tidemill.Pos{File: name}, Err: fmt.Errorf("read descriptor set: %w", err),
			Hint: "make it with protoc --include_imports --descriptor_set_out=FILE, or with buf build -o FILE",
		}
	}
	return set, nil
}

func inDir(dir, name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(dir, name)
}

func missing(name string, err error) error {
	code := tidemill.NotFound
	if errors.Is(err, os.ErrPermission) {
		code = tidemill.Denied
	}
	return &tidemill.Error{Code: code, Op: "decode", Err: err, Hint: "decode.files and decode.descriptors are relative to the project folder: " + name + " is not there or cannot be read"}
}

// compile compiles the files. A file is named by its path below the deepest
// import folder, as its siblings import it; if that does not compile, below
// the project folder, as others do.
func compile(files, imports []string, dir string) (*descriptorpb.FileDescriptorSet, error) {
	roots := []string{dir, filepath.Join(dir, "proto")}
	for _, i := range imports {
		roots = append(roots, inDir(dir, i))
	}
	for _, f := range files {
		if _, err := os.Stat(inDir(dir, f)); err != nil {
			return nil, missing(f, err)
		}
	}
	set, err := compileBelow(roots, files, dir, true)
	if err == nil {
		return set, nil
	}
	if set, again := compileBelow(roots, files, dir, false); again == nil {
		return set, nil
	}
	return nil, err
}

func compileBelow(roots, files []string, dir string, deepest bool) (*descriptorpb.FileDescriptorSet, error) {
	var names []string
	search := roots
	for _, f := range files {
		file := inDir(dir, f)
		name := ""
		for _, root := range roots {
			rel, err := filepath.Rel(root, file)
			if err != nil || strings.HasPrefix(rel, "..") {
				continue
			}
			if name == "" || deepest && len(rel) < len(name) {
				name = rel
			}
		}
		if name == "" {
			name = filepath.Base(file)
			search = append(search[:len(search):len(search)], filepath.Dir(file))
		}
		names = append(names, filepath.ToSlash(name))
	}
	compiler := protocompile.Compiler{
		Resolver: protocompile.WithStandardImports(&protocompile.SourceResolver{ImportPaths: search}),
	}
	linked, err := compiler.Compile(context.Background(), names...)
	if err != nil {
		return nil, compileError(err, search, dir)
	}
	set, seen := new(descriptorpb.FileDescriptorSet), make(map[string]bool)
	for _, f := range linked {
		addFile(set, seen, f)
	}
	return set, nil
}

// addFile adds f and what it imports.
func addFile(set *descriptorpb.FileDescriptorSet, seen map[string]bool, f protoreflect.FileDescriptor) {
	if seen[f.Path()] {
		return
	}
	seen[f.Path()] = true
	for i := range f.Imports().Len() {
		addFile(set, seen, f.Imports().Get(i).FileDescriptor)
	}
	set.File = append(set.File, protodesc.ToFileDescriptorProto(f))
}

// compileError gives the first error its place in the project.
func compileError(err error, search []string, dir string) error {
	out := &tidemill.Error{Code: tidemill.Invalid, Op: "decode", Err: err, Hint: "mend the .proto file"}
	var at reporter.ErrorWithPos
	if !errors.As(err, &at) {
		return out
	}
	pos := at.GetPosition()
	out.Err = at.Unwrap()
	out.Pos = tidemill.Pos{File: pos.Filename, Line: pos.Line, Column: pos.Col}
	for _, root := range search {
		file := filepath.Join(root, filepath.FromSlash(pos.Filename))
		if _, err := os.Stat(file); err != nil {
			continue
		}
		if rel, err := filepath.Rel(dir, file); err == nil {
			out.Pos.File = filepath.ToSlash(rel)
		}
		break
	}
	if errors.Is(err, os.ErrNotExist) || strings.Contains(err.Error(), "could not resolve path") {
		out.Hint = "imports are looked for in the project folder, in proto/ and in decode.imports"
	}
	return out
}
