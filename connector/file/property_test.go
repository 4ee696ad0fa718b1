package file

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/tidemill/tidemill"
)

// content is a file of random records, some of them long.
func content(t *rapid.T, format string) []byte {
	var b []byte
	for i := range rapid.IntRange(0, 4_000).Draw(t, "records") {
		v := fmt.Sprintf(`{"n":%d}`, i)
		switch i % 1000 {
		case 7:
			v = ""
		case 8:
			v += strings.Repeat("x", 350<<10)
		}
		if format == "pb" {
			b = append(b, frames(v)...)
		} else {
			b = append(append(b, v...), '\n')
		}
	}
	return b
}

// Wherever a run is killed, a new one at the last committed marks goes on
// with the very next record.
func TestResumesAtEveryMark(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(r *rapid.T) {
		if err := os.RemoveAll(filepath.Join(dir, "q")); err != nil {
			t.Fatal(err)
		}
		for _, f := range []struct {
			name string
			pack func(testing.TB, []byte) []byte
		}{
			{"A.ndjson", func(_ testing.TB, b []byte) []byte { return b }},
			{"B.pb", func(_ testing.TB, b []byte) []byte { return b }},
			{"C.ndjson.gz", gz},
			{"D.pb.zst", zst},
		} {
			format := "ndjson"
			if strings.Contains(f.name, ".pb") {
				format = "pb"
			}
			b := content(r, format)
			if format == "pb" && rapid.Bool().Draw(r, "cut") {
				b = b[:len(b)-len(b)/7]
			}
			write(t, dir, "q/"+f.name, f.pack(t, b))
		}
		whole := land(t, dir, Options{}, map[string]string{})
		want := places(whole.batches)
		cut := rapid.IntRange(0, len(whole.batches)).Draw(r, "committed")
		last := map[string]string{}
		for _, b := range whole.batches[:cut] {
			last[b.Marks[0].Scope] = string(b.Marks[0].To)
		}
		got := append(places(whole.batches[:cut]), places(land(t, dir, Options{}, last).batches)...)
		if g, w := strings.Join(got, "\n"), strings.Join(want, "\n"); g != w {
			r.Fatalf("resumed after batch %d of %d: %d records, want %d", cut, len(whole.batches), len(got), len(want))
		}
	})
}

// places returns the records of batches with where they stand.
func places(batches []tidemill.Batch) []string {
	var out []string
	for _, b := range batches {
		for i, line := range fmtBatch(b) {
			m := tidemill.Message{}
			if i < len(b.Messages) {
				m = b.Messages[i]
			} else {
				m = b.Dead[i-len(b.Messages)].Message
			}
			out = append(out, fmt.Sprintf("%s:%s:%s %s", m.Meta["file"], m.Meta["line"], m.Meta["offset"], line))
		}
	}
	return out
}

func fmtBatch(b tidemill.Batch) []string { return got{batches: []tidemill.Batch{b}}.lines() }

// Whatever the bytes, reading ends, nothing panics, and every byte of a file
// is in a message, in a dead letter, or between records.
func FuzzFraming(f *testing.F) {
	f.Add([]byte("a\nb\n\nc"), false)
	f.Add(frames("a", "", "bc"), true)
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1}, true)
	f.Add([]byte{5, 'a', 'b'}, true)
	f.Add(append(frames("a"), 0xff, 0xff, 0xff, 0xff, 0x7f, 'x'), true)
	f.Fuzz(func(t *testing.T, b []byte, proto bool) {
		dir, name := t.TempDir(), "q/T.ndjson"
		if proto {
			name = "q/T.pb"
		}
		write(t, dir, name, b)
		opts := Options{MaxMessage: 16}
		last := map[string]string{}
		g := land(t, dir, opts, last)
		var back []byte
		for _, batch := range g.batches {
			for _, m := range batch.Messages {
				if proto {
					back = append(back, frames(string(m.Value))...)
				} else {
					back = append(append(back, m.Value...), '\n')
				}
			}
			for _, d := range batch.Dead {
				if d.Delivery == (tidemill.ID{}) || d.Reason == "" || d.Code == "" {
					t.Errorf("letter %+v", d)
				}
			}
		}
		if len(g.dead) == 0 && proto && !overlong(b) && !bytes.Equal(back, b) {
			t.Errorf("frames %x came back as %x", b, back)
		}
		if len(g.dead) == 0 && !proto {
			if g, w := visible(back), visible(b); !bytes.Equal(g, w) {
				t.Errorf("lines %q came back as %q", w, g)
			}
		}
		if again := land(t, dir, opts, last); len(again.batches) != 0 {
			t.Errorf("it was read again: %q", again.lines())
		}
	})
}

// visible is what NDJSON keeps of b.
func visible(b []byte) []byte {
	b = bytes.TrimPrefix(b, []byte("\xef\xbb\xbf"))
	var out [][]byte
	for line := range bytes.SplitSeq(b, []byte("\n")) {
		if line = bytes.TrimSuffix(line, []byte("\r")); len(bytes.TrimSpace(line)) > 0 {
			out = append(out, line)
		}
	}
	return bytes.Join(out, []byte("\n"))
}

// overlong reports whether a length in b is written with more bytes than it
// needs, which frames would not give back.
func overlong(b []byte) bool {
	for i := range b {
		if i > 0 && b[i] == 0 && b[i-1] >= 0x80 {
			return true
		}
	}
	return false
}

// FuzzCompressed breaks compressed files at random.
func FuzzCompressed(f *testing.F) {
	for _, name := range []string{"gz", "zst"} {
		f.Add(name == "gz", uint(20), byte(0xff), uint(1000))
		f.Add(name == "gz", uint(2), byte(1), uint(30))
	}
	plain := []byte(strings.Repeat("{\"some\":\"line\"}\n", 200))
	f.Fuzz(func(t *testing.T, zipped bool, at uint, flip byte, keep uint) {
		name, b := "q/T.ndjson.zst", zst(t, plain)
		if zipped {
			name, b = "q/T.ndjson.gz", gz(t, plain)
		}
		b[at%uint(len(b))] ^= flip
		b = b[:min(keep, uint(len(b)))]
		dir, last := t.TempDir(), map[string]string{}
		write(t, dir, name, b)
		g := land(t, dir, Options{}, last)
		if len(g.messages) < 200 && len(g.dead) == 0 && len(b) > 0 {
			t.Errorf("%d of 200 lines, and nothing says why", len(g.messages))
		}
		if again := land(t, dir, Options{}, last); len(again.batches) != 0 {
			t.Errorf("it was read again: %q", again.lines())
		}
	})
}

func BenchmarkRead(b *testing.B) {
	for _, c := range []struct {
		name, file string
		record     []byte
	}{
		{"ndjson", "q/T.ndjson", []byte(`{"id":123456,"name":"a card","price":"12.50"}` + "\n")},
		{"pb", "q/T.pb", frames(strings.Repeat("x", 240))},
	} {
		b.Run(c.name, func(b *testing.B) {
			const n = 500_000
			dir := b.TempDir()
			write(b, dir, c.file, bytes.Repeat(c.record, n))
			b.ReportAllocs()
			b.ResetTimer()
			for b.Loop() {
				s := NewSource(Connection{Path: dir}, Options{}, env)
				if err := s.Open(b.Context(), nil); err != nil {
					b.Fatal(err)
				}
				got := 0
				for {
					batch, err := s.Read(b.Context())
					if err != nil {
						break
					}
					got += len(batch.Messages)
				}
				if got != n {
					b.Fatalf("read %d", got)
				}
				if err := s.Close(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "records/s")
		})
	}
}
