package decode_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/decode"
	"github.com/tidemill/tidemill/project"
)

const protos = `syntax = "proto3";
package cards.v1;
import "google/protobuf/any.proto";
import "google/protobuf/timestamp.proto";
message OrderCreated {
  string order_id = 1;
  int64 total_cents = 2;
  google.protobuf.Timestamp placed_at = 3;
  message Line { string card = 1; }
}
`

func newProject(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func newDecoder(t *testing.T, cfg project.Decode, dir string) decode.Decoder {
	t.Helper()
	fresh, err := decode.New(cfg, dir)
	if err != nil {
		t.Fatal(err)
	}
	return fresh()
}

// order is an OrderCreated on the wire, its fields in the given order.
func order(fields ...int) []byte {
	var b []byte
	for _, f := range fields {
		switch f {
		case 1:
			b = protowire.AppendString(protowire.AppendTag(b, 1, protowire.BytesType), "o-1")
		case 2:
			b = protowire.AppendVarint(protowire.AppendTag(b, 2, protowire.VarintType), 1<<53+1)
		case 3:
			var ts []byte
			ts = protowire.AppendVarint(protowire.AppendTag(ts, 1, protowire.VarintType), 1_700_000_000)
			b = protowire.AppendBytes(protowire.AppendTag(b, 3, protowire.BytesType), ts)
		case 99:
			b = protowire.AppendVarint(protowire.AppendTag(b, 99, protowire.VarintType), 7)
		}
	}
	return b
}

const orderText = `{"orderId":"o-1","placedAt":"2023-11-14T22:13:20Z","totalCents":"9007199254740993"}`

func TestDecode(t *testing.T) {
	dir := newProject(t, map[string]string{"proto/events.proto": protos})
	protobuf := project.Decode{Format: "protobuf", Files: []string{"proto/events.proto"}}
	with := func(c project.Decode, message string) project.Decode { c.Message = message; return c }
	any := protowire.AppendString(protowire.AppendTag(nil, 1, protowire.BytesType), "type.googleapis.com/cards.v1.OrderCreated")
	any = protowire.AppendBytes(protowire.AppendTag(any, 2, protowire.BytesType), order(3, 2, 1))
	header := func(k, v string) map[string]string { return map[string]string{k: v} }

	for _, c := range []struct {
		name          string
		cfg           project.Decode
		m             tidemill.Message
		typ, identity string
		want          string // the payload, or the code of the error
	}{
		{"json", project.Decode{}, tidemill.Message{Type: "A", Value: []byte(`{"b": 1.0, "a": -0}`)}, "A", "A", `{"a":0,"b":1}`},
		{"json by header", project.Decode{Message: "header:kind"}, tidemill.Message{Meta: header("header.kind", "B"), Value: []byte(`{}`)}, "B", "B", `{}`},
		{"json by routing key", project.Decode{Message: "routing_key"}, tidemill.Message{Meta: header("routing_key", "a.b"), Value: []byte(`{}`)}, "a.b", "a.b", `{}`},
		{"json fixed", project.Decode{Message: "Fixed"}, tidemill.Message{Value: []byte(`{}`)}, "Fixed", "Fixed", `{}`},
		{"json empty", project.Decode{}, tidemill.Message{Type: "A"}, "", "", "empty"},
		{"json array", project.Decode{}, tidemill.Message{Type: "A", Value: []byte(`[1]`)}, "", "", "malformed"},
		{"json broken", project.Decode{}, tidemill.Message{Type: "A", Value: []byte(`{"a":}`)}, "", "", "malformed"},
		{"json without type", project.Decode{}, tidemill.Message{Value: []byte(`{}`)}, "", "", "unknown_type"},
		{"json without header", project.Decode{Message: "header:kind"}, tidemill.Message{Type: "A", Value: []byte(`{}`)}, "", "", "unknown_type"},
		{"json type not utf-8", project.Decode{}, tidemill.Message{Type: "\xff", Value: []byte(`{}`)}, "", "", "unknown_type"},

		{"relative name", protobuf, tidemill.Message{Type: "OrderCreated", Value: order(1, 2, 3)}, "OrderCreated", "cards.v1.OrderCreated", orderText},
		{"full name", protobuf, tidemill.Message{Type: "cards.v1.OrderCreated", Value: order(3, 1, 2)}, "OrderCreated", "cards.v1.OrderCreated", orderText},
		{"url", protobuf, tidemill.Message{Type: "type.googleapis.com/cards.v1.OrderCreated", Value: order(2, 1, 3)}, "OrderCreated", "cards.v1.OrderCreated", orderText},
		{"nested type", protobuf, tidemill.Message{Type: "OrderCreated.Line", Value: order(1)}, "OrderCreated.Line", "cards.v1.OrderCreated.Line", `{"card":"o-1"}`},
		{"unknown field", protobuf, tidemill.Message{Type: "OrderCreated", Value: order(99, 1)}, "OrderCreated", "cards.v1.OrderCreated", `{"_unknown":"mAYH","orderId":"o-1"}`},
		{"fixed", with(protobuf, "cards.v1.OrderCreated"), tidemill.Message{Value: order(1, 2, 3)}, "OrderCreated", "cards.v1.OrderCreated", orderText},
		{"routing key", with(protobuf, "routing_key"), tidemill.Message{Meta: header("routing_key", "OrderCreated"), Value: order(1, 2, 3)}, "OrderCreated", "cards.v1.OrderCreated", orderText},
		{"any", with(protobuf, "any"), tidemill.Message{Value: any}, "OrderCreated", "cards.v1.OrderCreated", orderText},
		{"any as json", with(protobuf, "any"), tidemill.Message{
			Meta:  header("content_type", "application/json; charset=utf-8"),
			Value: []byte(`{"@type":"type.googleapis.com/cards.v1.OrderCreated","total_cents":9007199254740993,"placedAt":"2023-11-14T23:13:20+01:00","orderId":"o-1"}`),
		}, "OrderCreated", "cards.v1.OrderCreated", orderText},
		{"json of a protobuf type", protobuf, tidemill.Message{
			Type: "OrderCreated", Meta: header("format", "json"),
			Value: []byte(`{"total_cents":"9007199254740993","order_id":"o-1","placedAt":"2023-11-14T22:13:20.000Z"}`),
		}, "OrderCreated", "cards.v1.OrderCreated", orderText},
		{"described json", project.Decode{Format: "json", Files: []string{"proto/events.proto"}}, tidemill.Message{
			Type: "OrderCreated", Value: []byte(`{"orderId":"o-1","totalCents":0,"extra":{"b":1.50,"a":null}}`),
		}, "OrderCreated", "cards.v1.OrderCreated", `{"extra":{"a":null,"b":1.5},"orderId":"o-1"}`},
		{"protobuf empty", protobuf, tidemill.Message{Type: "OrderCreated"}, "", "", "empty"},
		{"protobuf unknown type", protobuf, tidemill.Message{Type: "OrderCreatd", Value: order(1)}, "", "", "unknown_type"},
		{"protobuf broken", protobuf, tidemill.Message{Type: "OrderCreated", Value: []byte{0x0a, 0x7f}}, "", "", "malformed"},
		{"protobuf not utf-8", protobuf, tidemill.Message{Type: "OrderCreated", Value: []byte{0x0a, 0x01, 0xff}}, "", "", "malformed"},
		{"json wrong type", protobuf, tidemill.Message{Type: "OrderCreated", Meta: header("format", "json"), Value: []byte(`{"orderId":1}`)}, "", "", "malformed"},
		{"any of nothing", with(protobuf, "any"), tidemill.Message{Value: order(1)}, "", "", "unknown_type"},
		{"any broken", with(protobuf, "any"), tidemill.Message{Value: []byte{0x0a, 0x7f}}, "", "", "malformed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newDecoder(t, c.cfg, dir)
			for range 2 { // the second time with memory in use
				e, err := d.Decode([]byte("before"), &c.m)
				if err != nil {
					if got := string(tidemill.CodeOf(err)); got != c.want {
						t.Fatalf("%v, want %s", err, c.want)
					}
					continue
				}
				if string(e.Payload) != c.want || e.Type != c.typ || e.Identity != c.identity {
					t.Errorf("got %s %s %s", e.Type, e.Identity, e.Payload)
				}
				if described := c.cfg.Files != nil; described != (e.Schema != nil) {
					t.Errorf("schema %v", e.Schema)
				}
			}
		})
	}
}

func TestNearestType(t *testing.T) {
	dir := newProject(t, map[string]string{"events.proto": protos})
	d := newDecoder(t, project.Decode{Format: "protobuf", Files: []string{"events.proto"}}, dir)
	_, err := d.Decode(nil, &tidemill.Message{Type: "OrderCreatd", Value: order(1)})
	if hints := tidemill.Hints(err); len(hints) != 1 || !strings.Contains(hints[0], "OrderCreated") {
		t.Errorf("%v %q", err, hints)
	}
}
