// Package protobuf knows the message types of a project's schemas and turns
// their values, from the wire or from JSON, into canonical text.
//
// The text follows protobuf's JSON mapping: lowerCamelCase names, 64-bit
// integers as strings, enums by name, bytes in base64, the well-known types
// in their own forms, fields at an implicit default left out. Beyond the
// mapping, floating-point numbers are the shortest decimals of their width
// without exponent, and unknown fields are kept at every level as a member
// "_unknown": base64 of the records, in the order of their numbers. A
// well-known value that its form cannot carry (a timestamp out of range, one
// with unknown fields) is written as the plain message that it is.
//
// The same event gives the same text whether it came as wire bytes with fields
// in any order or as JSON. Errors name fields, never values.
package protobuf

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/project/conf"
)

// Names of members that no field has.
const (
	TypeMember    = "@type"    // the type URL of an Any
	UnknownMember = "_unknown" // unknown fields
)

// MaxMessages bounds how deep messages may be nested.
const MaxMessages = 100

// Schema is a set of message types. It is safe for concurrent use.
type Schema struct {
	types *protoregistry.Types // extensions
	plans map[protoreflect.FullName]*plan
	named map[string]*Type // by full name, and by relative name where it is one type's only
}

// Type is a message type that an event can have.
type Type struct {
	Name     string        // relative to its package, or full where two types share the relative name
	Identity string        // full
	Columns  *arrow.Schema // for package columnar

	schema *Schema
	plan   *plan
}

// newSchema plans every message of files. Types of google.protobuf are known,
// to be found in an Any, but do not count as events of the project.
func newSchema(files *protoregistry.Files) (*Schema, error) {
	s := &Schema{
		types: new(protoregistry.Types),
		plans: make(map[protoreflect.FullName]*plan), named: make(map[string]*Type),
	}
	var messages []protoreflect.MessageDescriptor
	var err error
	files.RangeFiles(func(f protoreflect.FileDescriptor) bool {
		messages = appendMessages(messages, f.Messages())
		err = s.addExtensions(f)
		return err == nil
	})
	if err != nil {
		return nil, err
	}
	shared := make(map[string]int)
	for _, md := range messages {
		if _, err := s.planOf(md); err != nil {
			return nil, err
		}
		if !wellKnownFile(md.ParentFile()) {
			shared[relative(md)]++
		}
	}
	for _, md := range messages {
		if wellKnownFile(md.ParentFile()) {
			continue
		}
		t := s.newType(md)
		if shared[t.Name] > 1 {
			t.Name = t.Identity
		} else if s.named[t.Name] == nil {
			s.named[t.Name] = t
		}
		s.named[t.Identity] = t
	}
	return s, nil
}

func (s *Schema) newType(md protoreflect.MessageDescriptor) *Type {
	p := s.plans[md.FullName()]
	return &Type{Name: relative(md), Identity: string(md.FullName()), schema: s, plan: p, Columns: p.columns()}
}

func appendMessages(to []protoreflect.MessageDescriptor, mds protoreflect.MessageDescriptors) []protoreflect.MessageDescriptor {
	for i := range mds.Len() {
		if md := mds.Get(i); !md.IsMapEntry() {
			to = append(to, md)
			to = appendMessages(to, md.Messages())
		}
	}
	return to
}

// extended is a file or message that declares extensions.
type extended interface {
	Messages() protoreflect.MessageDescriptors
	Extensions() protoreflect.ExtensionDescriptors
}

func (s *Schema) addExtensions(in extended) error {
	for i := range in.Extensions().Len() {
		if err := s.types.RegisterExtension(dynamicpb.NewExtensionType(in.Extensions().Get(i))); err != nil {
			return &tidemill.Error{Code: tidemill.Invalid, Op: "decode", Err: err, Hint: "two extensions have the same name or number; remove one"}
		}
	}
	for i := range in.Messages().Len() {
		if err := s.addExtensions(in.Messages().Get(i)); err != nil {
			return err
		}
	}
	return nil
}

func wellKnownFile(f protoreflect.FileDescriptor) bool {
	return strings.HasPrefix(f.Path(), "google/protobuf/")
}

// relative returns the name of md without its package.
func relative(md protoreflect.MessageDescriptor) string {
	return strings.TrimPrefix(string(md.FullName()), string(md.ParentFile().Package())+".")
}

// Find returns the type of a full name, a name relative to its package, or a
// type URL. An error has the code UnknownType.
func (s *Schema) Find(name string) (*Type, error) {
	short := name[strings.LastIndexByte(name, '/')+1:]
	short = strings.TrimPrefix(short, ".")
	t := s.named[short]
	if t == nil {
		return nil, &tidemill.Error{
			Code: tidemill.UnknownType, Op: "decode",
			Err: fmt.Errorf("no schema has the type %q", name), Hint: s.hint(short),
		}
	}
	if t.plan.form != plainForm && t.plan.form != anyForm {
		return nil, &tidemill.Error{
			Code: tidemill.UnknownType, Op: "decode",
			Err: fmt.Errorf("%s is a value, not an event", t.Identity), Hint: "wrap it in a message",
		}
	}
	return t, nil
}

func (s *Schema) hint(name string) string {
	var full []string
	for known, t := range s.named {
		if known == t.Identity && strings.HasSuffix(known, "."+name) {
			full = append(full, known)
		}
	}
	if len(full) > 1 {
		return "several packages have it; use the full name: " + strings.Join(sorted(full), ", ")
	}
	if near := conf.Nearest(name, sorted(slices.Collect(maps.Keys(s.named)))); near != "" {
		return fmt.Sprintf("the nearest known type is %s", near)
	}
	return "add the file that declares it to decode.files"
}
