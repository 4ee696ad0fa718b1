package protobuf

import (
	"bytes"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
)

// TestValues: what the property tests do not reach, as JSON and what becomes
// of it. A want that begins with ! is a part of the error.
func TestValues(t *testing.T) {
	s, _ := rich(t)
	for _, c := range []struct{ typ, in, want string }{
		{"Rich", `{"i64":9007199254740992}`, `{"i64":"9007199254740992"}`},
		{"Rich", `{"i64":9007199254740993}`, `{"i64":"9007199254740993"}`},
		{"Rich", `{"i64":"1e2","i32":1.0}`, `{"i32":1,"i64":"100"}`},
		{"Rich", `{"i64":-9223372036854775809}`, `!integer`},
		{"Rich", `{"u32":-1}`, `!integer`},
		{"Rich", `{"i32":1.5}`, `!integer`},
		{"Rich", `{"i32":1e999999999}`, `!integer`},
		{"Rich", `{"b":false,"str":"","db":-0.0,"strings":[],"byName":{},"color":0,"raw":""}`, `{}`},
		{"Rich", `{"b":null,"strings":null,"byName":null,"self":null}`, `{}`},
		{"Rich", `{"optI32":0,"optStr":"","optColor":"COLOR_UNSPECIFIED"}`, `{"optColor":"COLOR_UNSPECIFIED","optI32":0,"optStr":""}`},
		{"Rich", `{"color":"CRIMSON"}`, `{"color":"RED"}`},
		{"Rich", `{"color":77,"colors":["LATER",1,-5]}`, `{"color":77,"colors":["LATER","RED","NEGATIVE"]}`},
		{"Rich", `{"fl":0.1,"db":1e21,"doubles":[1e-7,"Infinity","-Infinity","NaN","2.50"]}`, `{"db":1000000000000000000000,"doubles":[0.0000001,"Infinity","-Infinity","NaN",2.5],"fl":0.1}`},
		{"Rich", `{"db":1e400}`, `!number`},
		{"Rich", `{"fl":1e39}`, `!number`},
		{"Rich", `{"raw":"_-8"}`, `{"raw":"/+8="}`},
		{"Rich", `{"raw":"?"}`, `!base64`},
		{"Rich", `{"pickStr":"a","pickI64":"1"}`, `!oneof choice`},
		{"Rich", `{"pickStr":"a","pickI64":null}`, `{"pickStr":"a"}`},
		{"Rich", `{"pickNull":null}`, `{"pickNull":null}`},
		{"Rich", `{"val":null}`, `{"val":null}`},
		{"Rich", `{"optI32":1,"opt_i32":2}`, `!two spellings`},
		{"Rich", `{"byI32":{"01":"a"}}`, `!map key`},
		{"Rich", `{"byI32":{"1":"a","1.0":"b"}}`, `!two spellings`},
		{"Rich", `{"byI32":{"10":"a","9":"b"},"byBool":{"true":""}}`, `{"byBool":{"true":""},"byI32":{"10":"a","9":"b"}}`},
		{"Rich", `{"strings":[null]}`, `!null`},
		{"Rich", `{"ts":"2024-02-29T12:00:00.5+05:30"}`, `{"ts":"2024-02-29T06:30:00.500Z"}`},
		{"Rich", `{"ts":"2024-02-30T12:00:00Z"}`, `!Timestamp`},
		{"Rich", `{"ts":"2024-02-29T12:00:00.1234567891Z"}`, `!Timestamp`},
		{"Rich", `{"ts":"2024-02-29T12:00:00,5Z"}`, `!Timestamp`},
		{"Rich", `{"dur":"-0.5s"}`, `{"dur":"-0.500s"}`},
		{"Rich", `{"dur":"1m"}`, `!Duration`},
		{"Rich", `{"mask":"a,b.cD"}`, `{"mask":"a,b.cD"}`},
		{"Rich", `{"mask":"a_b"}`, `!FieldMask`},
		{"Rich", `{"obj":{"a":9007199254740993,"b":0.10000000000000001}}`, `{"obj":{"a":9007199254740993,"b":0.1}}`},
		{"Rich", `{"any":{"@type":"a/b.Unknown","x":1.0}}`, `{"any":{"@type":"a/b.Unknown","x":1}}`},
		{"Rich", `{"any":{"@type":"a/google.protobuf.Duration","value":"1.50s"}}`, `{"any":{"@type":"a/google.protobuf.Duration","value":"1.500s"}}`},
		{"Rich", `{"any":{"street":"x"}}`, `!@type`},
		{"Rich", `{"wI64":"7","wB":false,"wStr":null}`, `{"wB":false,"wI64":"7"}`},
		{"Rich", `{"old":{"detail":{"note":"n"},"[legacy.extra]":"e","size":"SMALL"}}`, `{"old":{"[legacy.extra]":"e","detail":{"note":"n"},"size":"SMALL"}}`},
		{"Order", `{"order_id":"a","lines":[{"unit":1.0,"card":"c"}],"new":[{"b":1,"a":2}]}`, `{"lines":[{"card":"c","unit":1}],"new":[{"a":2,"b":1}],"orderId":"a"}`},
	} {
		typ := find(t, s, c.typ)
		got, err := readJSON(typ, []byte(c.in))
		if part, fails := strings.CutPrefix(c.want, "!"); fails {
			if err == nil || !strings.Contains(err.Error(), part) {
				t.Errorf("%s\n got %s, %v", c.in, got, err)
			}
			continue
		}
		if err != nil || string(got) != c.want {
			t.Errorf("%s\n got %s, %v\nwant %s", c.in, got, err, c.want)
		}
	}
}

// TestNoValueInErrors: reasons are stored and printed; values may be secret.
func TestNoValueInErrors(t *testing.T) {
	s, _ := rich(t)
	for _, in := range []string{`{"i64":"s3cret"}`, `{"ts":"s3cret"}`, `{"raw":"s3cret?"}`, `{"db":"s3cret"}`, `{"byI32":{"s3cret":"a"}}`, `{"mask":"s3cret!"}`} {
		if _, err := readJSON(find(t, s, "Rich"), []byte(in)); err == nil || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: %v", in, err)
		}
	}
}

// TestOddValues: well-known values that their JSON form cannot carry are
// written as plain messages, and read again as such.
func TestOddValues(t *testing.T) {
	s, _ := rich(t)
	typ := find(t, s, "Rich")
	tag := protowire.AppendTag
	in := func(n protowire.Number, body ...byte) []byte {
		return protowire.AppendBytes(tag(nil, n, protowire.BytesType), body)
	}
	for _, c := range []struct {
		body []byte
		want string
	}{
		{in(40, 0x10, 0xff, 0xff, 0xff, 0xff, 0x0f), `{"ts":{"nanos":-1}}`},
		{in(40, 0x08, 1, 0x18, 1), `{"ts":{"_unknown":"GAE=","seconds":"1"}}`},
		{in(41, 0x08, 1, 0x10, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1), `{"dur":{"nanos":-1,"seconds":"1"}}`},
		{in(42, 0x0a, 2, 'a', 'B'), `{"mask":{"paths":["aB"]}}`},
		{in(52, 0x10, 1), `{"wI64":{"_unknown":"EAE="}}`},
		{in(46), `{"any":{}}`},
		{in(46, append([]byte{0x0a, 3, 'a', '/', 'b', 0x12, 1}, 'x')...), `{"any":{"@type":"a/b","value":"eA=="}}`},
		{append(in(21, 0x10, 1), in(21, 0x72, 1, 'x')...), `{"self":{"i32":1,"str":"x"}}`},
		{append(in(31, 'a'), tag(nil, 32, protowire.VarintType)[0], tag(nil, 32, protowire.VarintType)[1], 5), `{"pickI64":"5"}`},
		{append(in(27, 0x0a, 1, 'k', 0x10, 1), in(27, 0x0a, 1, 'k', 0x10, 2)...), `{"byName":{"k":"2"}}`},
		{in(27), `{"byName":{"":"0"}}`},
		{in(2, 'x'), `{"_unknown":"EgF4"}`},
	} {
		got, err := s.NewWire().Append(nil, typ, c.body)
		if err != nil || string(got) != c.want {
			t.Errorf("%x\n got %s, %v\nwant %s", c.body, got, err, c.want)
			continue
		}
		if again, err := readJSON(typ, got); err != nil || !bytes.Equal(again, got) {
			t.Errorf("%s again: %s, %v", got, again, err)
		}
	}
}

// TestDeep: nesting is bounded on both ways.
func TestDeep(t *testing.T) {
	s, _ := rich(t)
	typ := find(t, s, "Rich")
	body, text := []byte(nil), "{}"
	for range 5000 {
		body = protowire.AppendBytes(protowire.AppendTag(nil, 21, protowire.BytesType), body)
		text = `{"self":` + text + `}`
	}
	if _, err := s.NewWire().Append(nil, typ, body); err == nil {
		t.Error("5000 messages deep on the wire")
	}
	if _, err := readJSON(typ, []byte(text)); err == nil {
		t.Error("5000 messages deep in JSON")
	}
	groups := bytes.Repeat([]byte{0x7b}, 100_000) // unknown groups within each other
	if _, err := s.NewWire().Append(nil, typ, groups); err == nil {
		t.Error("100,000 groups deep")
	}
}
