package file

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// follower is a source that follows a folder.
type follower struct {
	*Source
	t    *testing.T
	got  got
	last map[string]string
}

func follow(t *testing.T, dir string, opts Options) *follower {
	t.Helper()
	opts.Follow = true
	s := NewSource(Connection{Path: dir}, opts, env)
	if err := s.Open(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return &follower{Source: s, t: t, last: map[string]string{}}
}

// expect reads until as many records came, and compares them.
func (f *follower) expect(want ...string) {
	f.t.Helper()
	f.got = got{}
	for len(f.got.lines()) < len(want) {
		ctx, cancel := context.WithTimeout(f.t.Context(), 10*time.Second)
		b, err := f.Read(ctx)
		cancel()
		if err != nil {
			f.t.Fatalf("after %q: %v", f.got.lines(), err)
		}
		f.got.take(f.t, b, f.last)
	}
	equal(f.t, f.got.lines(), want)
}

// quiet checks that nothing comes.
func (f *follower) quiet() {
	f.t.Helper()
	ctx, cancel := context.WithTimeout(f.t.Context(), 100*time.Millisecond)
	defer cancel()
	if b, err := f.Read(ctx); err == nil {
		f.t.Errorf("got %q", fmtBatch(b))
	} else if ctx.Err() == nil {
		f.t.Error(err)
	}
}

func TestFollow(t *testing.T) {
	dir := t.TempDir()
	lines := write(t, dir, "q/A.ndjson", []byte("1\n2"))
	f := follow(t, dir, Options{})
	f.expect("q/A:1")
	f.quiet() // a line is whole when its newline is there
	appendTo(t, lines, []byte("2\n3\n"))
	f.expect("q/A:22", "q/A:3")

	pb := frames("x", "yyy")
	framed := write(t, dir, "new/B.pb", pb[:4])
	f.expect("new/B:x")
	f.quiet() // a frame too
	appendTo(t, framed, pb[4:])
	f.expect("new/B:yyy")

	zipped := gz(t, []byte("4\n5\n"))
	half := write(t, dir, "q/C.ndjson.gz", zipped[:len(zipped)/2])
	f.quiet()
	appendTo(t, half, zipped[len(zipped)/2:])
	f.expect("q/C:4", "q/C:5")
	appendTo(t, half, gz(t, []byte("6\n")))
	f.expect("q/C:6")
	f.quiet()

	// All that was handed over is in the marks.
	equal(t, land(t, dir, Options{}, f.last).lines(), nil)
}

func TestFollowWithoutWatch(t *testing.T) {
	dir := t.TempDir()
	f := follow(t, dir, Options{})
	if err := f.watch.close(); err != nil {
		t.Fatal(err)
	}
	f.watch = nil
	write(t, dir, "q/A.ndjson", []byte("1\n"))
	f.expect("q/A:1")
}

func TestFollowRotated(t *testing.T) {
	dir := t.TempDir()
	p := write(t, dir, "q/A.ndjson", []byte("1\n"))
	f := follow(t, dir, Options{Replaced: reread})
	f.expect("q/A:1")
	appendTo(t, p, []byte("2\n")) // read from the open file, though its name goes
	if err := os.Rename(p, p+".old"); err != nil {
		t.Fatal(err)
	}
	write(t, dir, "q/A.ndjson", []byte("3\n"))
	f.expect("q/A:2", "q/A:3")
	if err := os.Truncate(p, 0); err != nil {
		t.Fatal(err)
	}
	f.quiet()
	appendTo(t, p, []byte("4\n"))
	f.expect("q/A:4")
	if err := os.Remove(p); err != nil {
		t.Fatal(err)
	}
	f.quiet()
	write(t, dir, "q/A.ndjson", []byte("5\n6\n"))
	f.expect("q/A:5", "q/A:6")
}

func TestFollowStopsAtReplaced(t *testing.T) {
	dir := t.TempDir()
	p := write(t, dir, "q/A.ndjson", []byte("1\n2\n"))
	f := follow(t, dir, Options{})
	f.expect("q/A:1", "q/A:2")
	if err := os.WriteFile(p, []byte("9\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if b, err := f.Read(ctx); err == nil || ctx.Err() != nil {
		t.Errorf("got %q, %v", fmtBatch(b), err)
	}
}

// Writers append to several files in pieces while a source follows.
func TestFollowBusyWriters(t *testing.T) {
	dir := t.TempDir()
	const files, each = 4, 500
	done := make(chan error, files)
	for i := range files {
		go func() { done <- scribble(filepath.Join(dir, fmt.Sprintf("q%d", i)), each) }()
	}
	f := follow(t, dir, Options{})
	n := map[string]int{}
	for len(n) < files*each {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		b, err := f.Read(ctx)
		cancel()
		if err != nil {
			t.Fatalf("after %d: %v", len(n), err)
		}
		f.got.take(t, b, f.last)
		for _, m := range b.Messages {
			n[m.Source+string(m.Value)]++
		}
	}
	for range files {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	for line, times := range n {
		if times != 1 {
			t.Errorf("%s came %d times", line, times)
		}
	}
	if len(n) != files*each {
		t.Errorf("%d lines", len(n))
	}
}

func scribble(dir string, n int) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	f, err := os.Create(filepath.Join(dir, "T.ndjson"))
	if err != nil {
		return err
	}
	for i := range n {
		for _, piece := range []string{`{"n":`, fmt.Sprint(i), "}\n"} {
			if _, err := f.WriteString(piece); err != nil {
				return err
			}
		}
	}
	return f.Close()
}

func TestCheck(t *testing.T) {
	dir := t.TempDir()
	if got := Check(t.Context(), Connection{Path: dir}, Options{}, env); len(got) != 1 || !got[0].OK || !got[0].Warn {
		t.Errorf("empty folder: %+v", got)
	}
	write(t, dir, "cards/A.ndjson", []byte("1\n"))
	write(t, dir, "cards/B.pb.gz", []byte("123"))
	write(t, dir, "cards/notes.md", nil)
	got := Check(t.Context(), Connection{Path: dir}, Options{Queues: []string{"cards"}}, env)
	if len(got) != 3 || got[0].Warn || got[1].What != "queue cards: 2 files, 5 bytes" || !got[2].Warn || got[2].Why != "not read: cards/notes.md" {
		t.Errorf("got %+v", got)
	}
	if got := Check(t.Context(), Connection{Path: dir}, Options{Queues: []string{"card"}}, env); len(got) != 1 || got[0].OK || got[0].Hint == "" {
		t.Errorf("missing queue: %+v", got)
	}
}
