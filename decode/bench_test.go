package decode_test

import (
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/decode"
	"github.com/tidemill/tidemill/internal/canon"
	"github.com/tidemill/tidemill/project"
)

// shopOrder is an order of 300 bytes with three lines, as of
// protobuf/testdata/proto/shop/rich.proto.
func shopOrder() []byte {
	str := func(b []byte, n protowire.Number, s string) []byte {
		return protowire.AppendString(protowire.AppendTag(b, n, protowire.BytesType), s)
	}
	var b []byte
	b = str(b, 1, "0d2f6c1e-5a7b-4a61-9a53-0f6f0a3f2b11")
	b = protowire.AppendVarint(protowire.AppendTag(b, 2, protowire.VarintType), 9007199254740993)
	for _, card := range []string{"BLACK-LOTUS-HOLO-0007", "MOX-SAPPHIRE-0112", "TIME-WALK-FOIL-0031"} {
		line := str(nil, 1, card)
		line = protowire.AppendVarint(protowire.AppendTag(line, 2, protowire.VarintType), 3)
		line = protowire.AppendFixed64(protowire.AppendTag(line, 3, protowire.Fixed64Type), 0x4028fd70a3d70a3d)
		line = protowire.AppendVarint(protowire.AppendTag(line, 4, protowire.VarintType), 1)
		b = protowire.AppendBytes(protowire.AppendTag(b, 3, protowire.BytesType), line)
	}
	ts := protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), 1_770_000_000)
	ts = protowire.AppendVarint(protowire.AppendTag(ts, 2, protowire.VarintType), 123_000_000)
	b = protowire.AppendBytes(protowire.AppendTag(b, 4, protowire.BytesType), ts)
	b = protowire.AppendVarint(protowire.AppendTag(b, 5, protowire.VarintType), 1)
	b = str(b, 6, "EUR")
	label := str(str(nil, 1, "channel"), 2, "web-shop")
	b = protowire.AppendBytes(protowire.AppendTag(b, 7, protowire.BytesType), label)
	b = protowire.AppendFixed64(protowire.AppendTag(b, 8, protowire.Fixed64Type), 0x4028fd70a3d70a3d)
	return protowire.AppendBytes(protowire.AppendTag(b, 9, protowire.BytesType), str(str(nil, 1, "Unter den Linden 77, 10117 Berlin"), 2, "DE"))
}

func benchDecoder(b *testing.B) func(dst []byte, m *tidemill.Message) []byte {
	b.Helper()
	cfg := project.Decode{Format: "protobuf", Files: []string{"shop/rich.proto"}, Imports: []string{"."}}
	fresh, err := decode.New(cfg, "protobuf/testdata/proto")
	if err != nil {
		b.Fatal(err)
	}
	d := fresh()
	return func(dst []byte, m *tidemill.Message) []byte {
		e, err := d.Decode(dst, m)
		if err != nil {
			b.Fatal(err)
		}
		return e.Payload
	}
}

func BenchmarkProtobuf(b *testing.B) {
	run := benchDecoder(b)
	m := &tidemill.Message{Type: "Order", Value: shopOrder()}
	var dst []byte
	b.ReportAllocs()
	b.SetBytes(int64(len(m.Value)))
	for b.Loop() {
		dst = run(dst[:0], m)
	}
}

// BenchmarkProtobufIdentities adds what landing hashes of an event.
func BenchmarkProtobufIdentities(b *testing.B) {
	run := benchDecoder(b)
	m := &tidemill.Message{Type: "Order", Source: "orders", Value: shopOrder()}
	var dst []byte
	b.ReportAllocs()
	for b.Loop() {
		dst = run(dst[:0], m)
		canon.Delivery(m.Source, m.Type, m.ID, m.Value)
		canon.PayloadHash("shop.v1.Order", dst)
		canon.Key("shop.v1.Order", m.ID, dst)
	}
}

func BenchmarkJSON(b *testing.B) {
	run := benchDecoder(b)
	text := run(nil, &tidemill.Message{Type: "Order", Value: shopOrder()})
	m := &tidemill.Message{Type: "Order", Value: append([]byte(nil), text...), Meta: map[string]string{"format": "json"}}
	var dst []byte
	b.ReportAllocs()
	b.SetBytes(int64(len(m.Value)))
	for b.Loop() {
		dst = run(dst[:0], m)
	}
}
