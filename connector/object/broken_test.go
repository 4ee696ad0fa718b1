package object

import (
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/tidemill/tidemill"
)

// unsteady passes on to the gateway, and breaks bodies off after some bytes.
type unsteady struct {
	proxy  *httputil.ReverseProxy
	bodies atomic.Int64 // that were broken off
	ranges atomic.Int64 // requests that asked for a part
	down   atomic.Int64 // answers that say that the service is busy
	cut    func()       // called before a body breaks
}

func newUnsteady(t *testing.T) (*unsteady, string) {
	t.Helper()
	u := &unsteady{}
	u.proxy = &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			target, _ := url.Parse(gateway.Endpoint())
			r.SetURL(target)
			r.Out.Host = r.In.Host
		},
		ModifyResponse: func(r *http.Response) error {
			if r.Request.Method == http.MethodGet && r.ContentLength > 100_000 {
				r.Body = &cutBody{ReadCloser: r.Body, left: 100_000, u: u}
			}
			return nil
		},
		ErrorLog: log.New(io.Discard, "", 0),
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{Handler: http.HandlerFunc(u.serve), ErrorLog: log.New(io.Discard, "", 0)}
	go func() { _ = s.Serve(l) }() // it ends with Close
	t.Cleanup(func() { _ = s.Close() })
	return u, "http://" + l.Addr().String()
}

func (u *unsteady) serve(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Range") != "" {
		u.ranges.Add(1)
	}
	if u.down.Add(-1) >= 0 {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	u.proxy.ServeHTTP(w, r)
}

// cutBody ends as a lost connection does.
type cutBody struct {
	io.ReadCloser
	left int
	u    *unsteady
}

func (c *cutBody) Read(p []byte) (int, error) {
	if c.left <= 0 {
		c.u.bodies.Add(1)
		if c.u.cut != nil {
			c.u.cut()
		}
		return 0, fmt.Errorf("connection lost")
	}
	n, err := c.ReadCloser.Read(p[:min(len(p), c.left)])
	c.left -= n
	return n, err
}

// Whatever breaks on the way, the object is read on from where it broke.
func TestBrokenConnection(t *testing.T) {
	conn := s3Conn(t)
	b, err := newS3(t.Context(), conn, env)
	if err != nil {
		t.Fatal(err)
	}
	var text, want strings.Builder
	for i := range 60_000 {
		fmt.Fprintf(&text, "%d\n", i)
		fmt.Fprintf(&want, "q:%d\n", i)
	}
	put(t, b, "q/a.ndjson", text.String())
	u, address := newUnsteady(t)
	conn.Endpoint = address
	u.down.Store(3)
	var g got
	if err := g.land(t, NewS3Source(conn, S3Options{Options: Options{Path: "q/"}}, env), 0); err != nil {
		t.Fatal(err)
	}
	if strings.Join(g.rows, "\n")+"\n" != want.String() {
		t.Errorf("%d rows", len(g.rows))
	}
	if u.bodies.Load() < 3 || u.ranges.Load() < 4 {
		t.Errorf("%d bodies were broken, %d parts asked for: the test is none", u.bodies.Load(), u.ranges.Load())
	}
}

// A bucket that is gone, or that we may no longer read, ends the source: it
// does not make letters of its objects.
func TestRefusedWhileRead(t *testing.T) {
	conn := s3Conn(t)
	b, err := newS3(t.Context(), conn, env)
	if err != nil {
		t.Fatal(err)
	}
	put(t, b, "q/a.ndjson", strings.Repeat("1\n", 300_000))
	u, address := newUnsteady(t)
	conn.Endpoint = address
	u.proxy.ModifyResponse = func(r *http.Response) error {
		if r.Request.Method == http.MethodGet && strings.Contains(r.Request.URL.Path, "a.ndjson") {
			r.StatusCode = http.StatusForbidden
			r.Body = io.NopCloser(strings.NewReader(`<Error><Code>AccessDenied</Code><Message>no</Message></Error>`))
			r.ContentLength = -1
			r.Header.Del("Content-Length")
		}
		return nil
	}
	var g got
	err = g.land(t, NewS3Source(conn, S3Options{Options: Options{Path: "q/"}}, env), 0)
	if tidemill.CodeOf(err) != tidemill.Denied || len(g.dead) > 0 || !strings.Contains(strings.Join(tidemill.Hints(err), ""), "s3:GetObject") {
		t.Errorf("got %v, %v, %d letters", err, tidemill.Hints(err), len(g.dead))
	}
}

// An object that is replaced between two parts of it is not read half from
// one version and half from the other.
func TestReplacedBetweenParts(t *testing.T) {
	for _, onChange := range []string{onChangeReload, onChangeIgnore, "error"} {
		t.Run(onChange, func(t *testing.T) {
			conn := s3Conn(t)
			b, err := newS3(t.Context(), conn, env)
			if err != nil {
				t.Fatal(err)
			}
			put(t, b, "q/a.ndjson", strings.Repeat("old\n", 100_000))
			u, address := newUnsteady(t)
			conn.Endpoint = address
			var once sync.Once
			u.cut = func() {
				once.Do(func() { put(t, b, "q/a.ndjson", strings.Repeat("new\n", 100_000)) })
			}
			var g got
			err = g.land(t, NewS3Source(conn, S3Options{Options: Options{Path: "q/", OnChange: onChange}}, env), 0)
			count := map[string]int{}
			for _, r := range g.rows {
				count[r]++
			}
			switch {
			case onChange == "error":
				if tidemill.CodeOf(err) != tidemill.Invalid || count["q:new"] > 0 {
					t.Errorf("got %v, %v", err, count)
				}
			case err != nil:
				t.Error(err)
			case onChange == onChangeReload && (count["q:new"] != 100_000 || count["q:old"] >= 100_000 || len(g.dead) > 0),
				onChange == onChangeIgnore && (count["q:new"] != 0 || len(g.dead) != 1 || count["q:old"] >= 100_000):
				t.Errorf("got %v", count)
			}
		})
	}
}

// A file that is written to while it is read is found out at its end.
func TestFileWrittenWhileRead(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "q/a.ndjson", strings.Repeat("1\n", 400_000))
	s := NewFolderSource(Folder{Path: dir}, Options{Path: "q/"}, env)
	if err := s.Open(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Read(t.Context()); err != nil {
		t.Fatal(err)
	}
	write(t, dir, "q/a.ndjson", strings.Repeat("2\n", 400_001))
	var err error
	for range 100 {
		if _, err = s.Read(t.Context()); err != nil {
			break
		}
	}
	if tidemill.CodeOf(err) != tidemill.Invalid || !strings.Contains(err.Error(), "was changed") {
		t.Errorf("got %v", err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
