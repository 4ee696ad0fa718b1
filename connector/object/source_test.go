package object

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/internal/redact"
)

// place is where a test puts its objects: a folder or a bucket.
type place struct {
	put    func(t testing.TB, key, content string)
	source func(opts Options) *Source
}

// places are all kinds of buckets, which behave alike.
func places(t *testing.T, f func(t *testing.T, p place)) {
	t.Run("folder", func(t *testing.T) {
		dir := t.TempDir()
		f(t, place{
			put: func(t testing.TB, key, content string) { write(t, dir, key, content) },
			source: func(opts Options) *Source {
				return NewFolderSource(Folder{Path: dir}, opts, env)
			},
		})
	})
	t.Run("s3", func(t *testing.T) {
		conn := s3Conn(t)
		conn.Prefix = "some/"
		b, err := newS3(t.Context(), conn, env)
		if err != nil {
			t.Fatal(err)
		}
		f(t, place{
			put: func(t testing.TB, key, content string) { put(t, b, key, content) },
			source: func(opts Options) *Source {
				return NewS3Source(conn, S3Options{Options: opts}, env)
			},
		})
	})
}

func put(t testing.TB, b *s3Bucket, key, content string) {
	t.Helper()
	_, err := b.client.PutObject(t.Context(), &s3.PutObjectInput{Bucket: &b.conn.Bucket, Key: b.key(key), Body: bytes.NewReader([]byte(content))})
	if err != nil {
		t.Fatal(err)
	}
}

func TestFormatsAndPaths(t *testing.T) {
	places(t, func(t *testing.T, p place) {
		p.put(t, "in/2024/01/b.ndjson", "{\"a\":1}\n{\"a\":2}\n")
		p.put(t, "in/2024/01/a.csv", "x,y\n1,one\n2,two\n")
		p.put(t, "in/2024/02/region=e%20u/c.json", `[{"b":1},{"b":2}]`)
		p.put(t, "in/2024/02/d.txt", "not read")
		p.put(t, "in/2024/02/_SUCCESS", "")
		p.put(t, "in/2024/02/.hidden.csv", "x\n1\n")
		p.put(t, "other/2024/01/a.csv", "x\n1\n")
		p.put(t, "in/2024/03/empty.csv", "")
		var g got
		opts := Options{Path: "in/{year}/{month}/**", Type: "T{year}"}
		if err := g.land(t, p.source(opts), 0); err != nil {
			t.Fatal(err)
		}
		equal(t, g.rows, []string{`in/T2024:{"a":1}`, `in/T2024:{"a":2}`, `in/T2024:{"b":1}`, `in/T2024:{"b":2}`})
		if m := g.meta[2]; m["region"] != "e u" || m["month"] != "02" || m["row"] != "0" || m["format"] != "json" || !strings.HasSuffix(m["object"], "in/2024/02/region=e%20u/c.json") {
			t.Errorf("meta %v", m)
		}
		if len(g.marks) != 2 || opts.Records() {
			t.Errorf("marks %v", g.marks)
		}
		g = got{}
		opts.Path += ".csv"
		if err := g.land(t, p.source(opts), 0); err != nil {
			t.Fatal(err)
		}
		equal(t, g.rows, []string{"in:1|one|2024|01", "in:2|two|2024|01"})
		equal(t, g.parts, []string{"in: x int64, y utf8, year utf8, month utf8"})
		if len(g.marks) != 2 || !opts.Records() {
			t.Errorf("marks %v", g.marks)
		}
		if err := g.land(t, p.source(opts), 0); err != nil {
			t.Fatal(err)
		}
		equal(t, g.rows, nil)
		p.put(t, "in/2024/01/late.csv", "x,y\n3,three\n")
		if err := g.land(t, p.source(opts), 0); err != nil {
			t.Fatal(err)
		}
		equal(t, g.rows, []string{"in:3|three|2024|01"})
	})
}

// Killed after any batch, and with the batch in hand lost, each row comes once.
func TestResume(t *testing.T) {
	for i, ending := range []string{".csv", ".ndjson", ".csv", ".ndjson"} {
		ordered := i > 1
		t.Run(fmt.Sprintf("%s ordered %t", ending[1:], ordered), func(t *testing.T) {
			places(t, func(t *testing.T, p place) {
				var want []string
				for i, name := range []string{"a", "b", "c"} {
					var s strings.Builder
					if ending == ".csv" {
						s.WriteString("n,text\n")
					}
					for j := range 20_000 {
						if ending == ".csv" {
							fmt.Fprintf(&s, "%d,row %d\n", j, i)
							want = append(want, fmt.Sprintf("q:%d|row %d", j, i))
						} else {
							fmt.Fprintf(&s, "%d\n", j)
							want = append(want, fmt.Sprintf("q:%d", j))
						}
					}
					p.put(t, "q/"+name+ending, s.String())
				}
				var g got
				var all []string
				for range 20 {
					if err := g.land(t, p.source(Options{Path: "q/*" + ending, Ordered: ordered}), 1); err != nil {
						t.Fatal(err)
					}
					all = append(all, g.rows...)
				}
				equal(t, all, want)
				if ordered && len(g.marks) != 1 {
					t.Errorf("marks %v", g.marks)
				}
			})
		})
	}
}

// A source that becomes ordered, or ceases to be, reads nothing twice.
func TestOrderedAndBack(t *testing.T) {
	dir := t.TempDir()
	var g got
	for i, ordered := range []bool{false, true, false, true} {
		write(t, dir, fmt.Sprintf("q/%d.ndjson", i), fmt.Sprintf("%d\n", i))
		if err := g.land(t, NewFolderSource(Folder{Path: dir}, Options{Path: "q/", Ordered: ordered}, env), 0); err != nil {
			t.Fatal(err)
		}
		equal(t, g.rows, []string{fmt.Sprintf("q:%d", i)})
	}
}

func TestOnChange(t *testing.T) {
	places(t, func(t *testing.T, p place) {
		p.put(t, "q/a.ndjson", "1\n2\n")
		var g got
		if err := g.land(t, p.source(Options{}), 0); err != nil {
			t.Fatal(err)
		}
		p.put(t, "q/a.ndjson", "1\n2\n3\n")
		p.put(t, "q/b.ndjson", "4\n")
		err := g.land(t, p.source(Options{Path: "q/"}), 0)
		if tidemill.CodeOf(err) != tidemill.Invalid || !strings.Contains(err.Error(), "a.ndjson") || len(tidemill.Hints(err)) != 1 {
			t.Errorf("got %v", err)
		}
		if err := g.land(t, p.source(Options{Path: "q/", OnChange: onChangeIgnore}), 0); err != nil {
			t.Fatal(err)
		}
		equal(t, g.rows, []string{"q:4"})
		if err := g.land(t, p.source(Options{Path: "q/", OnChange: onChangeReload}), 0); err != nil {
			t.Fatal(err)
		}
		equal(t, g.rows, []string{"q:1", "q:2", "q:3"})
		if err := g.land(t, p.source(Options{Path: "q/"}), 0); err != nil {
			t.Fatal(err)
		}
		equal(t, g.rows, nil)
	})
}

// Objects that the service has no ETag of, as files put behind its back, are
// read once too.
func TestNoETag(t *testing.T) {
	conn := s3Conn(t)
	write(t, gateway.Dir, "data/"+conn.Bucket+"/q/a.ndjson", "1\n")
	var g got
	for _, want := range [][]string{{"q:1"}, nil} {
		if err := g.land(t, NewS3Source(conn, S3Options{Options: Options{Path: "q/"}}, env), 0); err != nil {
			t.Fatal(err)
		}
		equal(t, g.rows, want)
	}
}

// An object that changes or goes while it is read is never read on as if it
// had not.
func TestChangedWhileRead(t *testing.T) {
	long := strings.Repeat("1\n", 20_000)
	for _, c := range []struct {
		onChange string
		end      string
	}{{onChangeReload, "q:3"}, {onChangeIgnore, "!q:not_found:"}, {"", ""}} {
		t.Run("on_change "+c.onChange, func(t *testing.T) {
			places(t, func(t *testing.T, p place) {
				p.put(t, "q/a.ndjson", long)
				var g got
				if err := g.land(t, p.source(Options{Path: "q/"}), 1); err != nil {
					t.Fatal(err)
				}
				if len(g.rows) != 8192 {
					t.Fatalf("%d rows", len(g.rows))
				}
				p.put(t, "q/a.ndjson", "2\n3\n")
				err := g.land(t, p.source(Options{Path: "q/", OnChange: c.onChange}), 0)
				if c.onChange == "" {
					if tidemill.CodeOf(err) != tidemill.Invalid {
						t.Errorf("got %v", err)
					}
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				if len(g.rows) == 0 || g.rows[len(g.rows)-1] != c.end {
					t.Errorf("rows %q", g.rows)
				}
				if err := g.land(t, p.source(Options{Path: "q/", OnChange: c.onChange}), 0); err != nil || len(g.rows) != 0 {
					t.Errorf("again: %q %v", g.rows, err)
				}
			})
		})
	}
}

func TestFollow(t *testing.T) {
	places(t, func(t *testing.T, p place) {
		p.put(t, "q/a.ndjson", "1\n")
		s := p.source(Options{Path: "q/", Follow: true, Interval: 20 * time.Millisecond})
		if err := s.Open(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		for i := range 3 {
			b, err := s.Read(t.Context())
			if err != nil || len(b.Messages) != 1 || string(b.Messages[0].Value) != fmt.Sprint(i+1) {
				t.Fatalf("got %+v, %v", b, err)
			}
			p.put(t, fmt.Sprintf("q/%d.ndjson", i), fmt.Sprintf("%d\n", i+2))
		}
		if _, err := s.Read(t.Context()); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		if _, err := s.Read(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}

// A Read that is cancelled loses nothing.
func TestReadAfterCancel(t *testing.T) {
	places(t, func(t *testing.T, p place) {
		p.put(t, "q/a.ndjson", strings.Repeat("a longer row than one\n", 60_000))
		s := p.source(Options{Path: "q/"})
		if err := s.Open(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		rows := 0
		for i := 0; ; i++ {
			ctx, cancel := context.WithCancel(t.Context())
			if i%2 == 1 {
				cancel()
			}
			b, err := s.Read(ctx)
			cancel()
			if i%2 == 1 && errors.Is(err, context.Canceled) {
				continue
			}
			if err != nil {
				break
			}
			rows += len(b.Messages)
		}
		if rows != 60_000 {
			t.Errorf("%d rows", rows)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestBadRows(t *testing.T) {
	places(t, func(t *testing.T, p place) {
		p.put(t, "q/a.csv", "a,b\n1,2\n3\n4,5\n")
		p.put(t, "q/b.parquet", "PAR1 cut in half")
		p.put(t, "q/c.avro", "no avro")
		p.put(t, "q/d.parquet.gz", "x")
		p.put(t, "q/e.ndjson.gz", "no gzip")
		p.put(t, "q/f.ndjson", "last\n")
		for format, want := range map[string][]string{
			"csv": {"q:1|2", "q:4|5", "!q:malformed:3"}, "parquet": {"!q:malformed:PAR1 cut in half", "!q:malformed:"},
			"avro": {"!q:malformed:no avro"}, "auto": {"!q:malformed:", "q:last"},
		} {
			var g got
			if err := g.land(t, p.source(Options{Path: "q/", Format: format}), 0); err != nil {
				t.Fatal(err)
			}
			equal(t, g.rows, want)
			ids := map[tidemill.ID]bool{}
			for _, d := range g.dead {
				if ids[d.Delivery] || d.Message.Meta["row"] == "" || d.Message.Meta["object"] == "" || d.Reason == "" {
					t.Errorf("letter %+v", d)
				}
				ids[d.Delivery] = true
			}
			if err := g.land(t, p.source(Options{Path: "q/", Format: format}), 0); err != nil || len(g.rows) > 0 {
				t.Errorf("again: %q %v", g.rows, err)
			}
		}
	})
}

func TestOpenErrors(t *testing.T) {
	conn := s3Conn(t)
	missing, wrong, away := conn, conn, conn
	away.Endpoint = "http://127.0.0.1:1"
	missing.Bucket = "no-such-bucket"
	wrong.SecretKey = redact.New("another")
	for _, c := range []struct {
		name string
		s    *Source
		code tidemill.Code
	}{
		{"no folder", NewFolderSource(Folder{Path: t.TempDir() + "/none"}, Options{}, env), tidemill.NotFound},
		{"a file", NewFolderSource(Folder{Path: "main_test.go"}, Options{}, env), tidemill.Invalid},
		{"no bucket", NewS3Source(missing, S3Options{}, env), tidemill.NotFound},
		{"no service", NewS3Source(away, S3Options{}, env), tidemill.Unavailable},
		{"wrong key", NewS3Source(wrong, S3Options{}, env), tidemill.Denied},
		{"path", NewFolderSource(Folder{Path: t.TempDir()}, Options{Path: "a/{b"}, env), tidemill.Invalid},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := c.s.Open(t.Context(), nil)
			if tidemill.CodeOf(err) != c.code || len(tidemill.Hints(err)) == 0 {
				t.Errorf("got %v with hints %q", err, tidemill.Hints(err))
			}
			if err := c.s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestPattern(t *testing.T) {
	for _, c := range []struct{ path, key, want string }{
		{"", "a/b.csv", "ok"},
		{"a/", "a/b/c.csv", "ok"},
		{"a/", "b/c.csv", ""},
		{"a/*.csv", "a/b.csv", "ok"},
		{"a/*.csv", "a/b/c.csv", ""},
		{"a/**/*.csv", "a/c.csv", "ok"},
		{"a/**/*.csv", "a/b/c/c.csv", "ok"},
		{"a/?.csv", "a/bb.csv", ""},
		{"{t}/{y}-{m}.csv", "x/2024-01.csv", "ok t=x y=2024 m=01"},
		{"{t}/x.csv", "a/b/x.csv", ""},
		{"a", "ab", ""},
		{"**", "a/_tmp/b.csv", ""},
		{"**", ".a/b.csv", ""},
		{"a/_tmp/*", "a/_tmp/b.csv", "ok"},
	} {
		p, err := parsePattern(c.path)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if columns, ok := p.match(c.key); ok {
			got = "ok"
			for _, col := range columns {
				got += " " + col.Name + "=" + col.Value
			}
		}
		if got != c.want {
			t.Errorf("%s matches %s as %q, not %q", c.path, c.key, got, c.want)
		}
	}
	for _, path := range []string{"{a", "a}", "{a}/{a}", "{}", "{a,b}"} {
		if _, err := parsePattern(path); err == nil {
			t.Errorf("%q was parsed", path)
		}
	}
}

func FuzzDecodePosition(f *testing.F) {
	f.Add("v1 key=a%2Fb etag=%22x%22 row=5 done=true")
	f.Fuzz(func(t *testing.T, s string) {
		p, err := decodePosition(tidemill.Position(s))
		if err != nil {
			return
		}
		if again, err := decodePosition(p.encode()); err != nil || again != p {
			t.Errorf("%+v became %+v, %v", p, again, err)
		}
	})
}

// The folder lists keys as S3 does: whole keys in the order of their bytes,
// from any of them on.
func TestFolderOrder(t *testing.T) {
	dir := t.TempDir()
	want := []string{"a-b/x", "a.csv", "a/b/c", "a/b.csv", "a/c", "a0", "b"}
	for _, k := range want {
		write(t, dir, k, "")
	}
	slices.Sort(want)
	f := newFolder(Folder{Path: dir}, env)
	for i := range want {
		after := ""
		if i > 0 {
			after = want[i-1]
		}
		page, _, err := f.list(t.Context(), "", after)
		if err != nil {
			t.Fatal(err)
		}
		var keys []string
		for _, e := range page {
			keys = append(keys, e.key)
		}
		equal(t, keys, want[i:])
	}
	page, _, err := f.list(t.Context(), "a/b", "")
	if err != nil || len(page) != 2 {
		t.Errorf("got %v, %v", page, err)
	}
}
