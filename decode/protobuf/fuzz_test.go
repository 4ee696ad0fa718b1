package protobuf

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/tidemill/tidemill/internal/canon"
)

func richSeeds() [][]byte {
	ts := protowire.AppendVarint([]byte{0x08}, 1_700_000_000)
	url := "type.googleapis.com/shop.v1.Address"
	any := protowire.AppendBytes(append(protowire.AppendString([]byte{0x0a}, url), 0x12), []byte{0x0a, 1, 'x'})
	tag := protowire.AppendTag
	return [][]byte{
		{0x08, 1, 0x10, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1},
		protowire.AppendBytes(tag(nil, 40, protowire.BytesType), ts),
		protowire.AppendBytes(tag(nil, 46, protowire.BytesType), any),
		protowire.AppendBytes(tag(nil, 21, protowire.BytesType), []byte{0x72, 1, 'a', 0xf8, 0x38, 1}),
		protowire.AppendBytes(tag(nil, 23, protowire.BytesType), []byte{1, 2, 3}),
		protowire.AppendBytes(tag(nil, 27, protowire.BytesType), []byte{0x0a, 1, 'k', 0x10, 5}),
		protowire.AppendBytes(tag(nil, 44, protowire.BytesType), []byte{0x1a, 1, 's'}),
		protowire.AppendBytes(tag(nil, 65, protowire.BytesType), []byte{0x23, 0x2a, 1, 'n', 0x30, 1, 0x24, 0xa2, 6, 1, 'e'}),
	}
}

// FuzzWire holds the scan against dynamicpb and the oracle, and every payload
// against its own reading as JSON.
func FuzzWire(f *testing.F) {
	s, _ := rich(f)
	typ := find(f, s, "Rich")
	for _, seed := range richSeeds() {
		f.Add(seed)
	}
	wire := s.NewWire()
	f.Fuzz(func(t *testing.T, body []byte) {
		got, err := wire.Append([]byte("before"), typ, body)
		want, wantErr := oracleText(typ, body)
		switch {
		case err != nil && wantErr == nil:
			if errors.Is(err, errDeep) || errors.Is(err, canon.ErrTooLarge) || strings.Contains(err.Error(), "the entry of a map") {
				return
			}
			t.Fatalf("%x: %v, want %s", body, err, want)
		case err != nil:
			if string(got) != "before" {
				t.Fatalf("an error left %q", got)
			}
			return
		}
		got = got[len("before"):]
		if wantErr == nil && !bytes.Equal(got, want) {
			t.Fatalf("%x\n got %s\nwant %s", body, got, want)
		}
		if c, err := canon.Append(nil, got); err != nil || !bytes.Equal(c, got) {
			t.Fatalf("not canonical: %s %v", got, err)
		}
		if again, err := readJSON(typ, got); err != nil || !bytes.Equal(again, got) {
			t.Fatalf("read as json\n got %s %v\nwant %s", again, err, got)
		}
	})
}

func FuzzJSON(f *testing.F) {
	s, _ := rich(f)
	typ := find(f, s, "Rich")
	for _, seed := range []string{
		`{"b":true,"i64":"1","by_i32":{"1":"x"},"ts":"2023-01-01T00:00:00Z","dur":"-1.5s","mask":"a,bC"}`,
		`{"any":{"@type":"x/shop.v1.Address","street":"y","zip":1},"val":[1,{"a":null}],"wDb":"NaN","fl":1e3}`,
		`{"color":"NEW","optColor":1,"raw":"-_","extra":{"b":1,"a":[2.50]},"self":{"many":[{}]},"pickNull":null}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		got, err := readJSON(typ, text)
		if err != nil {
			return
		}
		if again, err := readJSON(typ, got); err != nil || !bytes.Equal(again, got) {
			t.Fatalf("%s\nfirst %s\nagain %s %v", text, got, again, err)
		}
		if c, err := canon.Append(nil, got); err != nil || !bytes.Equal(c, got) {
			t.Fatalf("not canonical: %s %v", got, err)
		}
	})
}
