package file

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"go.uber.org/goleak"

	"github.com/tidemill/tidemill"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var env = tidemill.Env{Log: slog.New(slog.DiscardHandler)}

// got is all that a source gave.
type got struct {
	messages []tidemill.Message
	dead     []tidemill.DeadLetter
	batches  []tidemill.Batch
}

// lines returns each message as queue/type:value, and each letter with !.
func (g got) lines() []string {
	var out []string
	for _, b := range g.batches {
		for _, m := range b.Messages {
			out = append(out, fmt.Sprintf("%s/%s:%s", m.Source, m.Type, m.Value))
		}
		for _, d := range b.Dead {
			out = append(out, fmt.Sprintf("!%s/%s:%s:%s", d.Message.Source, d.Message.Type, d.Code, d.Message.Value))
		}
	}
	return out
}

// drain reads until io.EOF and checks the chain of marks.
func drain(t testing.TB, s *Source, last map[string]string) got {
	t.Helper()
	var g got
	for {
		b, err := s.Read(t.Context())
		if errors.Is(err, io.EOF) {
			return g
		}
		if err != nil {
			t.Fatal(err)
		}
		g.take(t, b, last)
	}
}

func (g *got) take(t testing.TB, b tidemill.Batch, last map[string]string) {
	t.Helper()
	if len(b.Marks) != 1 {
		t.Fatalf("a batch has %d marks", len(b.Marks))
	}
	m := b.Marks[0]
	if string(m.From) != last[m.Scope] {
		t.Fatalf("mark of %s begins at %q, the one before ended at %q", m.Scope, m.From, last[m.Scope])
	}
	last[m.Scope] = string(m.To)
	g.messages = append(g.messages, b.Messages...)
	g.dead = append(g.dead, b.Dead...)
	g.batches = append(g.batches, b)
}

func marks(last map[string]string) []tidemill.Mark {
	var out []tidemill.Mark
	for scope, to := range last {
		out = append(out, tidemill.Mark{Scope: scope, To: tidemill.Position(to)})
	}
	return out
}

// land opens a source at last, reads it to its end and closes it.
func land(t testing.TB, dir string, opts Options, last map[string]string) got {
	t.Helper()
	s := NewSource(Connection{Path: dir}, opts, env)
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	if err := s.Open(t.Context(), marks(last)); err != nil {
		t.Fatal(err)
	}
	return drain(t, s, last)
}

func write(t testing.TB, dir, name string, content []byte) string {
	t.Helper()
	p := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(p, content, 0o644); err != nil {
		t.Fatal(err)
	}
	return p
}

func appendTo(t testing.TB, p string, content []byte) {
	t.Helper()
	f, err := os.OpenFile(p, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.Write(content); err != nil {
		t.Fatal(err)
	}
}

func frames(values ...string) []byte {
	var b []byte
	for _, v := range values {
		b = append(binary.AppendUvarint(b, uint64(len(v))), v...)
	}
	return b
}

func gz(t testing.TB, b []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func zst(t testing.TB, b []byte) []byte {
	t.Helper()
	w, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	return w.EncodeAll(b, nil)
}

func equal(t testing.TB, got, want []string) {
	t.Helper()
	if g, w := strings.Join(got, "\n"), strings.Join(want, "\n"); g != w {
		t.Errorf("got:\n%s\nwant:\n%s", g, w)
	}
}

func TestOrderAndFormats(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "orders/B.ndjson", []byte("b1\n\n \r\nb2\r\nb3"))
	write(t, dir, "orders/A.pb", frames("a1", "", "a3"))
	write(t, dir, "orders/late/A.pb.zst", zst(t, frames("z1", "z2")))
	write(t, dir, "cards/shop.v1.Card.ndjson.gz", append(gz(t, []byte("\xef\xbb\xbfg1\n")), gz(t, []byte("g2\n"))...))
	write(t, dir, "cards/notes.txt", []byte("no events"))
	write(t, dir, "cards/.hidden.ndjson", []byte("no events\n"))
	write(t, dir, ".git/x.ndjson", []byte("no events\n"))
	write(t, dir, "other/X.ndjson", []byte("x1\n"))
	cards := []string{"cards/shop.v1.Card:g1", "cards/shop.v1.Card:g2"}
	orders := []string{
		"orders/A:a1", "orders/A:", "orders/A:a3",
		"orders/B:b1", "orders/B:b2", "orders/B:b3", "orders/A:z1", "orders/A:z2",
	}
	var all []string
	all = append(all, cards...)
	all = append(all, orders...)
	last := map[string]string{}
	g := land(t, dir, Options{Queues: []string{"cards", "orders"}}, last)
	equal(t, g.lines(), all)
	equal(t, land(t, dir, Options{Queues: []string{"cards", "orders"}}, last).lines(), nil)
	equal(t, land(t, dir, Options{}, last).lines(), []string{"other/X:x1"})
	equal(t, land(t, dir, Options{Queues: []string{"orders", "cards"}}, map[string]string{}).lines(), append(orders, cards...))

	m := g.messages[6].Meta // b2
	if m["file"] != "orders/B.ndjson" || m["line"] != "4" || m["offset"] != "7" || m["format"] != "json" {
		t.Errorf("meta of b2: %v", m)
	}
	if m := g.messages[4].Meta; m["file"] != "orders/A.pb" || m["offset"] != "4" || m["format"] != "protobuf" {
		t.Errorf("meta of a3: %v", m)
	}
}

func TestOneFile(t *testing.T) {
	dir := t.TempDir()
	p := write(t, dir, "cards/Card.pb", frames("a"))
	equal(t, land(t, p, Options{}, map[string]string{}).lines(), []string{"cards/Card:a"})
	equal(t, land(t, p, Options{Queues: []string{"cards"}}, map[string]string{}).lines(), []string{"cards/Card:a"})
}

func TestOpenErrors(t *testing.T) {
	dir := t.TempDir()
	p := write(t, dir, "cards/data.csv", nil)
	for _, c := range []struct {
		name, path string
		queues     []string
		code       tidemill.Code
		want       string
	}{
		{"no folder", filepath.Join(dir, "none"), nil, tidemill.NotFound, "no such file"},
		{"no queue", dir, []string{"cards", "cardz"}, tidemill.NotFound, `queue "cardz" has no folder; it has cards`},
		{"odd name", p, nil, tidemill.Invalid, "does not say what it holds"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := NewSource(Connection{Path: c.path}, Options{Queues: c.queues}, env)
			err := s.Open(t.Context(), nil)
			if err == nil || tidemill.CodeOf(err) != c.code || !strings.Contains(err.Error(), c.want) || len(tidemill.Hints(err)) == 0 {
				t.Errorf("got %v with hints %v", err, tidemill.Hints(err))
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestGrows(t *testing.T) {
	for _, c := range []struct {
		name           string
		pack           func(testing.TB, []byte) []byte
		format, suffix string
	}{
		{"plain lines", func(_ testing.TB, b []byte) []byte { return b }, "ndjson", ""},
		{"plain frames", func(_ testing.TB, b []byte) []byte { return b }, "pb", ""},
		{"gz lines", gz, "ndjson", ".gz"},
		{"zst frames", zst, "pb", ".zst"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir, last := t.TempDir(), map[string]string{}
			values := func(v ...string) []byte {
				if c.format == "pb" {
					return frames(v...)
				}
				return []byte(strings.Join(v, "\n") + "\n")
			}
			p := write(t, dir, "q/T."+c.format+c.suffix, c.pack(t, values("1", "2")))
			equal(t, land(t, dir, Options{}, last).lines(), []string{"q/T:1", "q/T:2"})
			equal(t, land(t, dir, Options{}, last).lines(), nil)
			appendTo(t, p, c.pack(t, values("3")))
			if err := os.Chtimes(p, time.Now(), time.Now()); err != nil {
				t.Fatal(err)
			}
			equal(t, land(t, dir, Options{}, last).lines(), []string{"q/T:3"})
			equal(t, land(t, dir, Options{}, last).lines(), nil)
		})
	}
}

func TestReplaced(t *testing.T) {
	for _, c := range []struct{ name, file, first, second string }{
		{"cut short", "q/T.ndjson", "1\n2\n3\n", "1\n2\n"},
		{"emptied", "q/T.ndjson", "1\n2\n3\n", ""},
		{"other start", "q/T.ndjson", "1\n2\n3\n", "9\n2\n3\n4\n"},
		{"other end", "q/T.ndjson", "1\n" + strings.Repeat(" \n", 5000) + "3\n", "1\n" + strings.Repeat(" \n", 5000) + "9\n4\n"},
		{"other gz", "q/T.ndjson.gz", "1\n2\n", "3\n4\n5\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			pack := func(s string) []byte {
				if strings.HasSuffix(c.file, ".gz") {
					return gz(t, []byte(s))
				}
				return []byte(s)
			}
			dir, last := t.TempDir(), map[string]string{}
			write(t, dir, c.file, pack(c.first))
			land(t, dir, Options{}, last)
			write(t, dir, c.file, pack(c.second))
			s := NewSource(Connection{Path: dir}, Options{}, env)
			if err := s.Open(t.Context(), marks(last)); err != nil {
				t.Fatal(err)
			}
			_, err := s.Read(t.Context())
			if tidemill.CodeOf(err) != tidemill.Invalid || len(tidemill.Hints(err)) != 1 || !strings.Contains(err.Error(), "T.ndjson") {
				t.Errorf("got %v", err)
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
			var want []string
			for _, v := range strings.Fields(c.second) {
				want = append(want, "q/T:"+v)
			}
			equal(t, land(t, dir, Options{Replaced: reread}, last).lines(), want)
			if len(want) > 0 {
				equal(t, land(t, dir, Options{}, last).lines(), nil)
			}
		})
	}
}

func TestReadIsBoundedByDrain(t *testing.T) {
	dir := t.TempDir()
	p := write(t, dir, "q/T.ndjson", []byte("1\n2\n"))
	s := NewSource(Connection{Path: dir}, Options{Follow: true}, env)
	if err := s.Open(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	appendTo(t, p, []byte("3\n4"))
	if err := s.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	appendTo(t, p, []byte("4\n5\n"))
	write(t, dir, "q/U.ndjson", []byte("6\n"))
	last := map[string]string{}
	// A record that began before the call is read to its end.
	equal(t, drain(t, s, last).lines(), []string{"q/T:1", "q/T:2", "q/T:3", "q/T:44"})
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	equal(t, land(t, dir, Options{}, last).lines(), []string{"q/T:5", "q/U:6"})
}

func TestReadEndsWithContext(t *testing.T) {
	s := NewSource(Connection{Path: t.TempDir()}, Options{Follow: true}, env)
	if err := s.Open(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := s.Read(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
