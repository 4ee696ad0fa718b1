package protobuf

import (
	"fmt"
	"math"
	"slices"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/internal/canon"
)

// form is how a message type is written in JSON.
type form uint8

const (
	plainForm form = iota
	anyForm
	timestampForm
	durationForm
	fieldMaskForm
	wrapperForm
	structForm
	listForm
	valueForm
)

var forms = map[protoreflect.FullName]form{
	"google.protobuf.Any":         anyForm,
	"google.protobuf.Timestamp":   timestampForm,
	"google.protobuf.Duration":    durationForm,
	"google.protobuf.FieldMask":   fieldMaskForm,
	"google.protobuf.DoubleValue": wrapperForm,
	"google.protobuf.FloatValue":  wrapperForm,
	"google.protobuf.Int64Value":  wrapperForm,
	"google.protobuf.UInt64Value": wrapperForm,
	"google.protobuf.Int32Value":  wrapperForm,
	"google.protobuf.UInt32Value": wrapperForm,
	"google.protobuf.BoolValue":   wrapperForm,
	"google.protobuf.StringValue": wrapperForm,
	"google.protobuf.BytesValue":  wrapperForm,
	"google.protobuf.Struct":      structForm,
	"google.protobuf.ListValue":   listForm,
	"google.protobuf.Value":       valueForm,
}

// plan is what is known of a message type before the first message: its
// fields in the order in which they are written.
type plan struct {
	schema    *Schema
	desc      protoreflect.MessageDescriptor
	form      form
	fields    []*field
	byName    map[string]*field // by JSON name and by the name in the .proto file
	byNumber  map[protoreflect.FieldNumber]*field
	typeAt    int     // "@type" stands before this field
	unknownAt int     // "_unknown" stands before this field
	oneofs    [][]int // indexes of the fields of each oneof
	index     []int16 // by number, for small ones: index in fields + 1
	sparse    map[protoreflect.FieldNumber]int
}

// field is one field of a plan, or the key or value of a map.
type field struct {
	name     string // of the member
	head     []byte // the member's name, quoted, and the colon
	proto    string // the name in the .proto file
	desc     protoreflect.FieldDescriptor
	kind     protoreflect.Kind
	list     bool
	implicit bool // no presence: the default is not written
	oneof    int  // index among the message's oneofs, -1 for none
	message  *plan
	enum     *enum
	key      *field // of a map, with item
	item     *field
	entry    *plan // of a map: the message that its records are
}

type enum struct {
	null    bool // google.protobuf.NullValue
	names   map[protoreflect.EnumNumber]string
	numbers map[string]protoreflect.EnumNumber
}

// planOf returns the plan of md and makes it, with all that it reaches, where
// it is missing.
func (s *Schema) planOf(md protoreflect.MessageDescriptor) (*plan, error) {
	if p := s.plans[md.FullName()]; p != nil {
		return p, nil
	}
	p := &plan{
		schema: s, desc: md, form: forms[md.FullName()],
		byName:   make(map[string]*field),
		byNumber: make(map[protoreflect.FieldNumber]*field),
	}
	s.plans[md.FullName()] = p // before its fields: types are recursive
	fds := make([]protoreflect.FieldDescriptor, 0, md.Fields().Len())
	for i := range md.Fields().Len() {
		fds = append(fds, md.Fields().Get(i))
	}
	s.types.RangeExtensionsByMessage(md.FullName(), func(t protoreflect.ExtensionType) bool {
		fds = append(fds, t.TypeDescriptor())
		return true
	})
	for _, fd := range fds {
		f, err := s.newField(fd)
		if err != nil {
			return nil, err
		}
		if err := p.add(f); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(p.fields, func(a, b *field) int { return canon.CompareNames([]byte(a.name), []byte(b.name)) })
	p.typeAt, p.unknownAt = p.position(TypeMember), p.position(UnknownMember)
	p.number()
	return p, nil
}

// number prepares the look-up of fields by number.
func (p *plan) number() {
	const small = 1024
	p.oneofs = make([][]int, p.desc.Oneofs().Len())
	p.sparse = make(map[protoreflect.FieldNumber]int)
	for i, f := range p.fields {
		if f.oneof >= 0 {
			p.oneofs[f.oneof] = append(p.oneofs[f.oneof], i)
		}
		n := f.desc.Number()
		if n >= small || i >= math.MaxInt16 {
			p.sparse[n] = i
			continue
		}
		if int(n) >= len(p.index) {
			p.index = append(p.index, make([]int16, int(n)+1-len(p.index))...)
		}
		p.index[n] = int16(i + 1)
	}
}

// indexOf returns the index in fields of the field with a number, or -1.
func (p *plan) indexOf(n protoreflect.FieldNumber) int {
	if int(n) < len(p.index) && p.index[n] > 0 {
		return int(p.index[n]) - 1
	}
	if i, ok := p.sparse[n]; ok {
		return i
	}
	return -1
}

// add gives f its name. The JSON name is the rule; where proto2 lets two
// fields have the same, the second keeps the name of the .proto file.
func (p *plan) add(f *field) error {
	for _, name := range []string{f.name, f.proto} {
		if p.byName[name] == nil && name != TypeMember && name != UnknownMember {
			f.name = name
			f.head = append(canon.AppendString(nil, name), ':')
			p.fields = append(p.fields, f)
			p.byName[name] = f
			p.byNumber[f.desc.Number()] = f
			if p.byName[f.proto] == nil {
				p.byName[f.proto] = f
			}
			return nil
		}
	}
	return &tidemill.Error{
		Code: tidemill.Invalid, Op: "decode", Pos: tidemill.Pos{File: f.desc.ParentFile().Path()},
		Err: fmt.Errorf("field %s has the JSON name of another member", f.desc.FullName()), Hint: "give it another json_name",
	}
}

// position returns the index of the first field that comes after name.
func (p *plan) position(name string) int {
	i, _ := slices.BinarySearchFunc(p.fields, name, func(f *field, name string) int {
		return canon.CompareNames([]byte(f.name), []byte(name))
	})
	return i
}

func (s *Schema) newField(fd protoreflect.FieldDescriptor) (*field, error) {
	f := &field{
		name: fd.JSONName(), proto: fd.TextName(), desc: fd, kind: fd.Kind(), list: fd.IsList(), oneof: -1,
		implicit: !fd.HasPresence() && !fd.IsList() && !fd.IsMap(),
	}
	if fd.IsExtension() {
		f.name = fd.TextName() // [package.name]
	}
	if od := fd.ContainingOneof(); od != nil && !od.IsSynthetic() {
		f.oneof = od.Index()
	}
	var err error
	switch {
	case fd.IsMap():
		if f.key, err = s.newField(fd.MapKey()); err != nil {
			return nil, err
		}
		if f.item, err = s.newField(fd.MapValue()); err == nil {
			f.entry, err = s.planOf(fd.Message())
		}
	case fd.Message() != nil:
		f.message, err = s.planOf(fd.Message())
	case fd.Enum() != nil:
		f.enum = newEnum(fd.Enum())
	}
	return f, err
}

func (f *field) isFloat() bool {
	return f.kind == protoreflect.FloatKind || f.kind == protoreflect.DoubleKind
}

func newEnum(ed protoreflect.EnumDescriptor) *enum {
	e := &enum{
		null:    ed.FullName() == "google.protobuf.NullValue",
		names:   make(map[protoreflect.EnumNumber]string),
		numbers: make(map[string]protoreflect.EnumNumber),
	}
	values := ed.Values()
	for i := range values.Len() {
		v := values.Get(i)
		if _, alias := e.names[v.Number()]; !alias {
			e.names[v.Number()] = string(v.Name())
		}
		e.numbers[string(v.Name())] = v.Number()
	}
	return e
}

func sorted(s []string) []string {
	slices.Sort(s)
	return s
}
