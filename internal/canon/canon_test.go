package canon_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/tidemill/tidemill/internal/canon"
)

func TestAppend(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{` { } `, `{}`},
		{`[ ]`, `[]`},
		{`[1, "a" ,null,true,false,[{}]]`, `[1,"a",null,true,false,[{}]]`},
		{`{"b":1,"a":2,"":0}`, `{"":0,"a":2,"b":1}`},
		{`{"\u0062":1,"a":2}`, `{"a":2,"b":1}`},
		// the example of RFC 8785 section 3.2.3
		{
			`{"\u20ac":"Euro Sign","\r":"Carriage Return","\ufb33":"Hebrew Letter Dalet With Dagesh","1":"One","\ud83d\ude00":"Emoji: Grinning Face","\u0080":"Control","\u00f6":"Latin Small Letter O With Diaeresis"}`,
			"{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\u0080\":\"Control\",\"ö\":\"Latin Small Letter O With Diaeresis\",\"€\":\"Euro Sign\",\"😀\":\"Emoji: Grinning Face\",\"\ufb33\":\"Hebrew Letter Dalet With Dagesh\"}",
		},
		{`"\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/\b\t\f\u0000\u007f"`, "\"€$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\\b\\t\\f\\u0000\x7f\""},
		{`"😀\uD83D\uDE00"`, `"😀😀"`},
		{`0`, `0`},
		{`-0`, `0`},
		{`-0.00e5`, `0`},
		{`0e999999999999999999999999`, `0`},
		{`1.0`, `1`},
		{`-1.50`, `-1.5`},
		{`100`, `100`},
		{`1e2`, `100`},
		{`1E+2`, `100`},
		{`120e-1`, `12`},
		{`125e-2`, `1.25`},
		{`0.001`, `0.001`},
		{`1e-3`, `0.001`},
		{`0.00120e2`, `0.12`},
		{`0.0120e3`, `12`},
		{`12.5e1`, `125`},
		{`12.5e3`, `12500`},
		{`9007199254740992`, `9007199254740992`},
		{`9007199254740993`, `9007199254740993`},
		{`9007199254740993.0`, `9007199254740993`},
		{`0.1000000000000000055511151231257827`, `0.1000000000000000055511151231257827`},
		{`1e999`, `1` + strings.Repeat("0", 999)},
		{`1.` + strings.Repeat("0", 5000), `1`},
	} {
		got, err := canon.Append([]byte("x"), []byte(c.in))
		if err != nil || string(got) != "x"+c.want {
			t.Errorf("%s\n got %s, %v\nwant x%s", c.in, got, err, c.want)
		}
	}
}

func TestAppendRefuses(t *testing.T) {
	for _, in := range []string{
		``, ` `, `{`, `[`, `"`, `"\`, `"\u12`, `{"a"`, `{"a":`, `{"a":1`, `{"a":1,`, `[1,`, `[1`, `tru`, `nul`, `truex`,
		`{"a":1,}`, `[1,]`, `[,1]`, `{,}`, `{a:1}`, `{"a" 1}`, `1 2`, `{}x`, `'a'`, `NaN`, `Infinity`, `+1`, `01`, `-`, `-01`, `1.`, `.5`, `1e`, `1e+`, `0x1`,
		"\"\n\"", "\"\\n\x01\"", `"\x"`, `"\ud800"`, `"\ud800\u0041"`, `"\udc00"`, `"\ud800\ud800"`, "\"\xff\"", "\"\\n\xff\"", "\"\xed\xa0\x80\"",
		`{"a":1,"a":2}`, `{"a":1,"b":2,"\u0061":3}`, `{"x":[{"b":1,"a":1,"b":1}]}`,
		`1e1000`, `1e-1001`, `1e999999999999999999999`, `1e-99999999999999999999`, strings.Repeat("9", 1001),
		strings.Repeat("[", 257) + strings.Repeat("]", 257), "\ufeff{}",
	} {
		if got, err := canon.Append([]byte("x"), []byte(in)); err == nil || string(got) != "x" {
			t.Errorf("%.60q is taken as %.60q, %v", in, got, err)
		}
	}
	deep := strings.Repeat("[", 256) + strings.Repeat("]", 256)
	if _, err := canon.Append(nil, []byte(deep)); err != nil {
		t.Errorf("256 levels: %v", err)
	}
}

// TestBounded keeps a small text from becoming a large one.
func TestBounded(t *testing.T) {
	in := "[" + strings.Repeat("1e999,", 70_000) + "1]"
	if got, err := canon.Append(nil, []byte(in)); err == nil {
		t.Errorf("%d bytes were written", len(got))
	}
}

var sample = []byte(`{"order_id": "0d2f6c1e-5a7b-4a61-9a53-0f6f0a3f2b11", "customer": {"id": 184467, "country": "DE", "email": "a.person@example.com"}, "lines": [{"card": "BLACK-LOTUS-7", "quantity": 2, "price": 12.50}, {"card": "MOX-1", "quantity": 1, "price": 3.99}], "placed_at": "2026-02-03T04:05:06.789Z", "paid": true}`)

func BenchmarkAppend(b *testing.B) {
	b.ReportAllocs()
	b.SetBytes(int64(len(sample)))
	var dst []byte
	for b.Loop() {
		dst, _ = canon.Append(dst[:0], sample)
	}
}

func BenchmarkKey(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		canon.Key("OrderCreated", "", sample)
	}
}

func FuzzAppend(f *testing.F) {
	f.Add(sample)
	f.Add([]byte(`{"b":[1e3,-0.10],"a":"\ud83d\ude00\n","":{"x":null}}`))
	f.Fuzz(func(t *testing.T, in []byte) {
		got, err := canon.Append(nil, in)
		if err != nil {
			return
		}
		if !json.Valid(in) || !json.Valid(got) {
			t.Fatalf("%q is no JSON: %q", in, got)
		}
		again, err := canon.Append(nil, got)
		if err != nil || string(again) != string(got) {
			t.Fatalf("%q gives %q gives %q, %v", in, got, again, err)
		}
	})
}
