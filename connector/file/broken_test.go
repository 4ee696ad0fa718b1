package file

import (
	"bytes"
	"encoding/binary"
	"math"
	"strings"
	"testing"

	"github.com/tidemill/tidemill"
)

func TestLargeRecords(t *testing.T) {
	const limit = 1 << 10 // hard cap 4 KiB
	mid, long := strings.Repeat("m", 2*limit), strings.Repeat("l", 600<<10)
	for _, c := range []struct {
		name, file string
		content    []byte
	}{
		{"lines", "q/T.ndjson", []byte("a\n" + mid + "\n" + long + "\nb\n")},
		{"last line", "q/T.ndjson", []byte("a\n" + mid + "\nb\n" + long)},
		{"frames", "q/T.pb", frames("a", mid, long, "b")},
		{"gz", "q/T.pb.gz", gz(t, frames("a", mid, long, "b"))},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir, last := t.TempDir(), map[string]string{}
			write(t, dir, c.file, c.content)
			g := land(t, dir, Options{MaxMessage: limit}, last)
			var values []string
			for _, m := range g.messages {
				values = append(values, string(m.Value))
			}
			equal(t, values, []string{"a", mid, "b"})
			if len(g.dead) != 1 {
				t.Fatalf("%d letters", len(g.dead))
			}
			d := g.dead[0]
			if d.Code != tidemill.TooLarge || string(d.Message.Value) != long[:hardCap*limit] || d.Message.Meta["bytes"] != "614400" {
				t.Errorf("letter %s %q of %d bytes, %v", d.Code, d.Reason, len(d.Message.Value), d.Message.Meta)
			}
			equal(t, land(t, dir, Options{MaxMessage: limit}, last).lines(), nil)
		})
	}
}

func TestBrokenFrames(t *testing.T) {
	over := binary.AppendUvarint(frames("a", "b"), math.MaxInt32+1)
	for _, c := range []struct {
		name    string
		content []byte
		rest    string
		reason  string
	}{
		{"no varint", append(frames("a", "b"), bytes.Repeat([]byte{0xff}, 20)...), strings.Repeat("\xff", 20), "no varint"},
		{"too long", append(over, "rest"...), string(over[4:]) + "rest", "more than protobuf allows"},
		{"cut", append(frames("a", "b"), 9, 'x', 'y'), "\x09xy", "ends 3 bytes into a frame"},
		{"cut length", append(frames("a", "b"), 0x80), "\x80", "ends 1 bytes into a frame"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir, last := t.TempDir(), map[string]string{}
			write(t, dir, "q/T.pb", c.content)
			write(t, dir, "q/U.pb", frames("after"))
			g := land(t, dir, Options{}, last)
			equal(t, g.lines(), []string{"q/T:a", "q/T:b", "!q/T:malformed:" + c.rest, "q/U:after"})
			if !strings.Contains(g.dead[0].Reason, c.reason) || g.dead[0].Message.Meta["offset"] != "4" {
				t.Errorf("%s %v", g.dead[0].Reason, g.dead[0].Message.Meta)
			}
			equal(t, land(t, dir, Options{}, last).lines(), nil)
		})
	}
}

// A frame that was cut lands once its writer has finished it; where framing
// was lost, what is appended can only be a letter.
func TestBrokenFileGrows(t *testing.T) {
	dir, last := t.TempDir(), map[string]string{}
	cut := write(t, dir, "q/Cut.pb", append(frames("a"), 3, 'x'))
	lost := write(t, dir, "q/Lost.pb", append(frames("a"), bytes.Repeat([]byte{0xff}, 12)...))
	land(t, dir, Options{}, last)
	appendTo(t, cut, append([]byte("yz"), frames("b")...))
	appendTo(t, lost, frames("b"))
	equal(t, land(t, dir, Options{}, last).lines(), []string{"q/Cut:xyz", "q/Cut:b", "!q/Lost:malformed:\x01b"})
	equal(t, land(t, dir, Options{}, last).lines(), nil)
}

func TestBrokenCompression(t *testing.T) {
	whole := gz(t, []byte("1\n2\n"))
	for _, c := range []struct {
		name, file string
		content    []byte
		want       []string
	}{
		{"no header", "q/T.ndjson.gz", []byte("plain text\n"), []string{"!q/T:malformed:plain text\n"}},
		{"half a header", "q/T.ndjson.gz", whole[:5], []string{"!q/T:malformed:"}},
		{"no trailer", "q/T.ndjson.gz", whole[:len(whole)-4], []string{"q/T:1", "q/T:2", "!q/T:malformed:"}},
		{"more after it", "q/T.ndjson.gz", append(append([]byte{}, whole...), "more than a header"...), []string{"q/T:1", "q/T:2", "!q/T:malformed:"}},
		{"no zstd", "q/T.pb.zst", []byte("plain"), []string{"!q/T:malformed:plain"}},
		{"empty", "q/T.ndjson.gz", nil, nil},
		{"empty zstd", "q/T.ndjson.zst", nil, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir, last := t.TempDir(), map[string]string{}
			write(t, dir, c.file, c.content)
			write(t, dir, "q/U.ndjson", []byte("after\n"))
			g := land(t, dir, Options{}, last)
			lines := g.lines()
			for i, w := range c.want {
				if i < len(lines) && strings.HasPrefix(w, "!") && strings.HasSuffix(w, ":") && strings.HasPrefix(lines[i], w) {
					lines[i] = w // the bytes are those that the decompressor had not taken
				}
			}
			equal(t, lines, append(c.want, "q/U:after"))
			equal(t, land(t, dir, Options{}, last).lines(), nil)
		})
	}
}

func TestDecodePosition(t *testing.T) {
	for _, p := range []position{
		{},
		{Offset: 5, Record: 2, Print: "ab"},
		{Offset: 5, Record: 2, Print: "ab", End: 9, EndPrint: "cd", Lost: true},
	} {
		got, err := decodePosition(p.encode())
		if err != nil || got != p {
			t.Errorf("got %+v, %v, want %+v", got, err, p)
		}
	}
	for _, odd := range []string{"v2 offset=1", "v1 offset=x", "v1 offset=-1", "v1 what=1", "0/16B3748", " "} {
		if p, err := decodePosition(tidemill.Position(odd)); err == nil {
			t.Errorf("%q gives %+v", odd, p)
		}
	}
}

func FuzzDecodePosition(f *testing.F) {
	f.Add("v1 offset=5 record=2 print=ab end=9 endprint=cd lost=true")
	f.Fuzz(func(t *testing.T, s string) {
		p, err := decodePosition(tidemill.Position(s))
		if err != nil {
			return
		}
		if p.End == 0 {
			p.EndPrint, p.Lost = "", false
		}
		if again, err := decodePosition(p.encode()); err != nil || again != p {
			t.Errorf("%+v became %+v, %v", p, again, err)
		}
	})
}
