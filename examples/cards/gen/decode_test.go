package gen_test

import (
	"testing"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/decode"
	"github.com/tidemill/tidemill/examples/cards/gen"
	"github.com/tidemill/tidemill/project"
)

// codes are the reasons that dead letters give for each fault.
var codes = map[gen.Fault]tidemill.Code{
	gen.Truncated:   tidemill.Malformed,
	gen.Garbage:     tidemill.Malformed,
	gen.JSON:        tidemill.Malformed,
	gen.InvalidUTF8: tidemill.Malformed,
	gen.UnknownType: tidemill.UnknownType,
	gen.Empty:       tidemill.Empty,
}

// TestDecode reads the stream as the example's pipelines do: every fault is
// recognised as what it is, and an event of the backfill has the payload of
// the same event in the stream.
func TestDecode(t *testing.T) {
	newDecoder, err := decode.New(project.Decode{Format: "protobuf", Files: []string{"proto/events.proto"}, Message: "type"}, "..")
	if err != nil {
		t.Fatal(err)
	}
	d := newDecoder()
	for e := range stream(t, usual).All() {
		m := tidemill.Message{Source: e.Queue, Type: e.Type, Value: e.Body}
		ev, err := d.Decode(nil, &m)
		if code := tidemill.CodeOf(err); code != codes[e.Fault] || (err != nil) != (e.Fault != "") {
			t.Fatalf("event %d %s: code %q (%v), want %q", e.Seq, e.Fault, code, err, codes[e.Fault])
		}
		line, ok := e.AppendJSON(nil)
		if err != nil || !ok {
			continue
		}
		m = tidemill.Message{Source: e.Queue, Type: e.Type, Value: line, Meta: map[string]string{decode.MetaFormat: "json"}}
		old, err := d.Decode(nil, &m)
		if err != nil || string(old.Payload) != string(ev.Payload) || old.Identity != ev.Identity || ev.Type != e.Type {
			t.Fatalf("%s\nis read as %s %s (%v)\nand as protobuf %s %s", line, old.Type, old.Payload, err, ev.Type, ev.Payload)
		}
	}
}
