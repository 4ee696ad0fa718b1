package protobuf

import (
	"bytes"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"
	"pgregory.net/rapid"

	"github.com/tidemill/tidemill/internal/canon"
)

func marshal(t *rapid.T, m proto.Message) []byte {
	b, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func readJSON(typ *Type, text []byte) ([]byte, error) {
	var d canon.Doc
	v, err := d.Parse(text)
	if err != nil {
		return nil, err
	}
	return typ.AppendJSON(nil, v, "")
}

// TestSameEvent: the order of fields on the wire and the encoding do not
// matter, and what is written is what protobuf's own JSON says.
func TestSameEvent(t *testing.T) {
	s, types := rich(t)
	typ := find(t, s, "Rich")
	wire := s.NewWire()
	rapid.Check(t, func(t *rapid.T) {
		m := generator{t, s.plans}.message(typ.plan.desc, 3)
		body := marshal(t, m)
		payload, err := wire.Append(nil, typ, body)
		if err != nil {
			t.Fatal(err)
		}
		if want, err := oracleText(typ, body); err != nil || !bytes.Equal(want, payload) {
			t.Fatalf("got %s\nwant %s, %v", payload, want, err)
		}
		if c, err := canon.Append(nil, payload); err != nil || !bytes.Equal(c, payload) {
			t.Fatalf("not canonical: %s, %v", payload, err)
		}
		mixed, err := wire.Append(nil, typ, shuffle(t, typ.plan.desc, body))
		if err != nil || !bytes.Equal(mixed, payload) {
			t.Fatalf("shuffled %s, %v\nwant %s", mixed, err, payload)
		}
		for _, options := range []protojson.MarshalOptions{{Resolver: types}, {Resolver: types, UseProtoNames: true, UseEnumNumbers: true, Multiline: true}} {
			text, err := options.Marshal(m)
			if err != nil {
				t.Fatal(err)
			}
			if want, err := canon.Append(nil, text); !options.UseProtoNames && (err != nil || !bytes.Equal(want, payload)) {
				t.Fatalf("payload %s, %v\n protojson %s", payload, err, want)
			}
			if got, err := readJSON(typ, text); err != nil || !bytes.Equal(got, payload) {
				t.Fatalf("from json %s, %v\nwant %s", got, err, payload)
			}
		}
	})
}

// TestDifferentEvents: payloads are equal only where messages are.
func TestDifferentEvents(t *testing.T) {
	s, _ := rich(t)
	typ := find(t, s, "Rich")
	wire := s.NewWire()
	different := 0
	rapid.Check(t, func(t *rapid.T) {
		g := generator{t, s.plans}
		a := g.message(typ.plan.desc, 2)
		b := proto.Clone(a).(*dynamicpb.Message)
		fds := typ.plan.desc.Fields()
		g.set(b, fds.Get(rapid.IntRange(0, fds.Len()-1).Draw(t, "field")), 2)
		x, err := wire.Append(nil, typ, marshal(t, a))
		if err != nil {
			t.Fatal(err)
		}
		y, err := wire.Append(nil, typ, marshal(t, b))
		if err != nil {
			t.Fatal(err)
		}
		same := canon.Key("shop.v1.Rich", "", x) == canon.Key("shop.v1.Rich", "", y)
		if same != proto.Equal(a, b) {
			t.Fatalf("keys equal: %v\n%v\n%v\n%s\n%s", same, a, b, x, y)
		}
		if !same {
			different++
		}
	})
	if different < 20 {
		t.Errorf("only %d pairs differed", different)
	}
}

// TestUnknownFields: they are kept at every level, whatever their order among
// known ones, and the payload read as JSON is itself again.
func TestUnknownFields(t *testing.T) {
	s, _ := rich(t)
	typ := find(t, s, "Rich")
	wire := s.NewWire()
	rapid.Check(t, func(t *rapid.T) {
		strange := protowire.AppendVarint(protowire.AppendTag(nil, 901, protowire.VarintType), uint64(rapid.IntRange(0, 3).Draw(t, "value")))
		strange = append(strange, protowire.AppendString(protowire.AppendTag(nil, 900, protowire.BytesType), "x")...)
		m := generator{t, s.plans}.message(typ.plan.desc, 1)
		self := dynamicpb.NewMessage(typ.plan.desc)
		self.SetUnknown(strange)
		m.Set(typ.plan.byName["self"].desc, protoreflect.ValueOfMessage(self))
		m.SetUnknown(strange)
		payload, err := wire.Append(nil, typ, marshal(t, m))
		if err != nil {
			t.Fatal(err)
		}
		if n := bytes.Count(payload, []byte(`"_unknown":"`)); n != 2 {
			t.Fatalf("%d levels in %s", n, payload)
		}
		mixed, err := wire.Append(nil, typ, shuffle(t, typ.plan.desc, marshal(t, m)))
		if err != nil || !bytes.Equal(mixed, payload) {
			t.Fatalf("shuffled %s, %v\nwant %s", mixed, err, payload)
		}
		if again, err := readJSON(typ, payload); err != nil || !bytes.Equal(again, payload) {
			t.Fatalf("again %s, %v\nwant %s", again, err, payload)
		}
	})
}
