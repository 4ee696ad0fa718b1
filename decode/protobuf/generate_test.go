package protobuf

import (
	"math"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"
	"pgregory.net/rapid"
)

// rich is the test schema with a resolver for the oracle.
func rich(t testing.TB) (*Schema, *dynamicpb.Types) {
	t.Helper()
	s, err := Load([]string{"proto/shop/rich.proto"}, nil, "", "testdata")
	if err != nil {
		t.Fatal(err)
	}
	set, err := compile([]string{"proto/shop/rich.proto"}, nil, "testdata")
	if err != nil {
		t.Fatal(err)
	}
	files, err := protodesc.NewFiles(set)
	if err != nil {
		t.Fatal(err)
	}
	return s, dynamicpb.NewTypes(files)
}

func find(t testing.TB, s *Schema, name string) *Type {
	t.Helper()
	typ, err := s.Find(name)
	if err != nil {
		t.Fatal(err)
	}
	return typ
}

// generator makes messages of any type.
type generator struct {
	t     *rapid.T
	plans map[protoreflect.FullName]*plan
}

var (
	genInt64  = rapid.OneOf(rapid.SampledFrom([]int64{0, 1, -1, 1 << 53, 1<<53 + 1, math.MaxInt64, math.MinInt64}), rapid.Int64())
	genUint64 = rapid.OneOf(rapid.SampledFrom([]uint64{0, 1, 1 << 53, 1<<53 + 1, math.MaxUint64}), rapid.Uint64())
	genFloat  = rapid.OneOf(rapid.SampledFrom([]float64{0, 1, 0.1, 1e23, 5e-324, math.MaxFloat64, 1 << 53, math.NaN(), math.Inf(1), math.Inf(-1)}), rapid.Float64())
	genString = rapid.OneOf(rapid.SampledFrom([]string{"", "a", "\"\\\n\x00", "ä€😀\uffff"}), rapid.StringN(0, 6, 20).Filter(func(s string) bool { return strings.ToValidUTF8(s, "") == s }))
	genBytes  = rapid.SliceOfN(rapid.Byte(), 0, 5)
)

func (g generator) message(md protoreflect.MessageDescriptor, depth int) *dynamicpb.Message {
	m := dynamicpb.NewMessage(md)
	switch forms[md.FullName()] {
	case timestampForm:
		g.setTimes(m, rapid.Int64Range(minTimestamp, maxTimestamp).Draw(g.t, "seconds"), rapid.SampledFrom([]int32{0, 1, 1000, 120_000_000, 999_999_999}).Draw(g.t, "nanos"))
		return m
	case durationForm:
		g.setTimes(m, rapid.Int64Range(0, maxDuration).Draw(g.t, "seconds"), rapid.SampledFrom([]int32{0, 1, 5000, 500_000_000}).Draw(g.t, "nanos"))
		return m
	case fieldMaskForm:
		l := m.Mutable(md.Fields().ByNumber(1)).List()
		for _, p := range rapid.SliceOfN(rapid.SampledFrom([]string{"a", "a_b", "foo.bar_baz"}), 0, 3).Draw(g.t, "paths") {
			l.Append(protoreflect.ValueOfString(p))
		}
		return m
	case anyForm:
		g.setAny(m, depth)
		return m
	case valueForm:
		fds := md.Fields()
		fd := fds.Get(rapid.IntRange(0, fds.Len()-1).Draw(g.t, "kind"))
		if depth <= 0 && fd.Message() != nil {
			fd = fds.ByName("string_value")
		}
		v := g.value(fd, depth-1)
		if fd.Kind() == protoreflect.DoubleKind && v.Float()-v.Float() != 0 {
			v = protoreflect.ValueOfFloat64(2.5)
		}
		m.Set(fd, v)
		return m
	}
	fds := md.Fields()
	if fds.Len() == 0 {
		return m
	}
	for range rapid.IntRange(0, 6).Draw(g.t, "fields") {
		fd := fds.Get(rapid.IntRange(0, fds.Len()-1).Draw(g.t, "field"))
		if depth > 0 || fd.Message() == nil {
			g.set(m, fd, depth-1)
		}
	}
	return m
}

func (g generator) setTimes(m *dynamicpb.Message, seconds int64, nanos int32) {
	fds := m.Descriptor().Fields()
	m.Set(fds.ByNumber(1), protoreflect.ValueOfInt64(seconds))
	m.Set(fds.ByNumber(2), protoreflect.ValueOfInt32(nanos))
}

func (g generator) setAny(m *dynamicpb.Message, depth int) {
	name := rapid.SampledFrom([]protoreflect.FullName{"shop.v1.Address", "shop.v1.Rich", "google.protobuf.Timestamp", "google.protobuf.Struct", "google.protobuf.Int64Value"}).Draw(g.t, "any")
	body, err := proto.MarshalOptions{Deterministic: true}.Marshal(g.message(g.plans[name].desc, depth-1))
	if err != nil {
		g.t.Fatal(err)
	}
	fds := m.Descriptor().Fields()
	m.Set(fds.ByNumber(1), protoreflect.ValueOfString("type.googleapis.com/"+string(name)))
	m.Set(fds.ByNumber(2), protoreflect.ValueOfBytes(body))
}

func (g generator) set(m *dynamicpb.Message, fd protoreflect.FieldDescriptor, depth int) {
	n := rapid.IntRange(0, 3)
	switch {
	case fd.IsList():
		l := m.Mutable(fd).List()
		for range n.Draw(g.t, "elements") {
			l.Append(g.value(fd, depth))
		}
	case fd.IsMap():
		mm := m.Mutable(fd).Map()
		for range n.Draw(g.t, "entries") {
			mm.Set(g.value(fd.MapKey(), depth).MapKey(), g.value(fd.MapValue(), depth))
		}
	default:
		m.Set(fd, g.value(fd, depth))
	}
}

func (g generator) value(fd protoreflect.FieldDescriptor, depth int) protoreflect.Value {
	switch fd.Kind() {
	case protoreflect.BoolKind:
		return protoreflect.ValueOfBool(rapid.Bool().Draw(g.t, "bool"))
	case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Sfixed32Kind:
		return protoreflect.ValueOfInt32(int32(genInt64.Draw(g.t, "int32")))
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		return protoreflect.ValueOfUint32(uint32(genUint64.Draw(g.t, "uint32")))
	case protoreflect.Int64Kind, protoreflect.Sint64Kind, protoreflect.Sfixed64Kind:
		return protoreflect.ValueOfInt64(genInt64.Draw(g.t, "int64"))
	case protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		return protoreflect.ValueOfUint64(genUint64.Draw(g.t, "uint64"))
	case protoreflect.FloatKind:
		return protoreflect.ValueOfFloat32(float32(genFloat.Draw(g.t, "float")) + 0)
	case protoreflect.DoubleKind:
		return protoreflect.ValueOfFloat64(genFloat.Draw(g.t, "double") + 0) // not minus zero
	case protoreflect.StringKind:
		return protoreflect.ValueOfString(genString.Draw(g.t, "string"))
	case protoreflect.BytesKind:
		return protoreflect.ValueOfBytes(genBytes.Draw(g.t, "bytes"))
	case protoreflect.EnumKind:
		if fd.Enum().FullName() == "google.protobuf.NullValue" {
			return protoreflect.ValueOfEnum(0)
		}
		return protoreflect.ValueOfEnum(rapid.SampledFrom([]protoreflect.EnumNumber{0, 1, 2, -5, 77}).Draw(g.t, "enum"))
	}
	return protoreflect.ValueOfMessage(g.message(fd.Message(), depth))
}

// shuffle reorders the records of a message on the wire, at every level, and
// puts outdated values before singular scalars. Records of one field keep
// their order.
func shuffle(t *rapid.T, md protoreflect.MessageDescriptor, body []byte) []byte {
	byField := make(map[protowire.Number][][]byte)
	var order []protowire.Number
	for len(body) > 0 {
		number, kind, head := protowire.ConsumeTag(body)
		n := protowire.ConsumeFieldValue(number, kind, body[head:])
		record := body[:head+n]
		fd := md.Fields().ByNumber(number)
		if fd != nil && fd.Message() != nil && kind == protowire.BytesType && fd.Message().FullName() != "google.protobuf.Any" {
			inner, _ := protowire.ConsumeBytes(body[head:])
			record = protowire.AppendBytes(protowire.AppendTag(nil, number, kind), shuffle(t, fd.Message(), inner))
		}
		if fd != nil && fd.Kind() == protoreflect.Int64Kind && !fd.IsList() && rapid.Bool().Draw(t, "outdated") {
			old := protowire.AppendVarint(protowire.AppendTag(nil, number, kind), 123456)
			byField[number] = append(byField[number], old)
			order = append(order, number)
		}
		byField[number] = append(byField[number], record)
		order = append(order, number)
		body = body[head+n:]
	}
	var out []byte
	for _, number := range rapid.Permutation(order).Draw(t, "order") {
		out = append(out, byField[number][0]...)
		byField[number] = byField[number][1:]
	}
	return out
}
