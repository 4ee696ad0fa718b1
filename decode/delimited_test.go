package decode_test

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/tidemill/tidemill/decode"
)

func TestReadDelimited(t *testing.T) {
	var file []byte
	records := []string{"a", "", strings.Repeat("x", 200_000), "last"}
	for _, r := range records {
		file = protowire.AppendString(file, r)
	}
	r, at := bufio.NewReader(bytes.NewReader(file)), int64(0)
	var buf []byte
	for _, want := range records {
		got, n, err := decode.ReadDelimited(r, buf[:0], 1<<20)
		if err != nil || string(got) != want {
			t.Fatalf("%.20q %v", got, err)
		}
		at, buf = at+n, got
	}
	if _, n, err := decode.ReadDelimited(r, nil, 10); !errors.Is(err, io.EOF) || n != 0 || at != int64(len(file)) {
		t.Errorf("at the end: %d %v", n, err)
	}
}

func TestReadDelimitedBroken(t *testing.T) {
	for _, c := range []struct {
		in       string
		record   string
		consumed int64
		err      error
	}{
		{"", "", 0, io.EOF},
		{"\x80", "", 1, io.ErrUnexpectedEOF},
		{"\x05ab", "ab", 3, io.ErrUnexpectedEOF},
		{"\x05", "", 1, io.ErrUnexpectedEOF},
		{"\x08abcdefghX", "abcd", 9, decode.ErrTooLong},
		{"\x08abcdef", "abcd", 7, io.ErrUnexpectedEOF},
		{"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", "", 10, nil},
		{"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "", 10, nil},
	} {
		got, n, err := decode.ReadDelimited(bufio.NewReader(strings.NewReader(c.in)), nil, 4)
		if err == nil || c.err != nil && !errors.Is(err, c.err) || string(got) != c.record || n != c.consumed {
			t.Errorf("%q: %q %d %v", c.in, got, n, err)
		}
	}
}

func FuzzReadDelimited(f *testing.F) {
	f.Add([]byte("\x01a\x00\x05abcde\x09x"))
	f.Fuzz(func(t *testing.T, in []byte) {
		r, at := bufio.NewReader(bytes.NewReader(in)), int64(0)
		for {
			got, n, err := decode.ReadDelimited(r, nil, 8)
			at += n
			if len(got) > 8 || at > int64(len(in)) {
				t.Fatalf("%d bytes held, %d of %d consumed", len(got), at, len(in))
			}
			if err != nil && !errors.Is(err, decode.ErrTooLong) {
				return
			}
			if n == 0 {
				t.Fatal("no progress")
			}
		}
	})
}
