package object

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"go.uber.org/goleak"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/internal/redact"
	"github.com/tidemill/tidemill/tidetest/moto"
	"github.com/tidemill/tidemill/tidetest/versitygw"
)

var (
	env     = tidemill.Env{Log: slog.New(slog.DiscardHandler)}
	gateway *versitygw.Server
	clouds  *moto.Server
)

func TestMain(m *testing.M) {
	var err error
	if gateway, err = versitygw.Run(); err == nil {
		clouds, err = moto.Run()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	if err := errors.Join(gateway.Stop(), clouds.Stop()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	if code == 0 {
		if err := goleak.Find(goleak.IgnoreTopFunction("net/http.(*persistConn).readLoop"), goleak.IgnoreTopFunction("net/http.(*persistConn).writeLoop"), goleak.IgnoreAnyFunction("net/http.(*persistConn).readLoop")); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

// got is what was read, and the marks as they are stored.
type got struct {
	rows  []string // "STREAM:ROW", dead letters as "!STREAM:CODE:BYTES"
	dead  []tidemill.DeadLetter
	parts []string // schemas by stream, once each
	meta  []map[string]string
	marks map[string]tidemill.Position
}

// commit takes a batch as a warehouse does: marks by compare and set.
func (g *got) commit(t testing.TB, b tidemill.Batch) {
	t.Helper()
	for _, m := range b.Marks {
		if string(g.marks[m.Scope]) != string(m.From) {
			t.Fatalf("mark of %s comes from %q, stored is %q", m.Scope, m.From, g.marks[m.Scope])
		}
		g.marks[m.Scope] = m.To
	}
	for _, p := range b.Parts {
		for i := range int(p.Records.NumRows()) {
			g.rows = append(g.rows, p.Stream+":"+rowText(p.Records, i))
		}
		if s := p.Stream + ": " + schemaText(p.Records.Schema()); !slices.Contains(g.parts, s) {
			g.parts = append(g.parts, s)
		}
		p.Records.Release()
	}
	for _, m := range b.Messages {
		name := m.Source
		if m.Type != m.Source {
			name += "/" + m.Type
		}
		g.rows = append(g.rows, name+":"+string(m.Value))
		g.meta = append(g.meta, m.Meta)
	}
	for _, d := range b.Dead {
		g.rows = append(g.rows, fmt.Sprintf("!%s:%s:%s", d.Message.Source, d.Code, d.Message.Value))
	}
	g.dead = append(g.dead, b.Dead...)
}

func (g *got) from() []tidemill.Mark {
	var all []tidemill.Mark
	for scope, to := range g.marks {
		all = append(all, tidemill.Mark{Scope: scope, To: to})
	}
	return all
}

// land reads a source from the marks of g to its end, committing each batch.
// It stops uncommitted after limit batches, if that is not 0.
func (g *got) land(t testing.TB, s *Source, limit int) error {
	t.Helper()
	if g.marks == nil {
		g.marks = map[string]tidemill.Position{}
	}
	g.rows, g.dead, g.meta = nil, nil, nil
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	if err := s.Open(t.Context(), g.from()); err != nil {
		return err
	}
	if err := s.Drain(t.Context()); err != nil {
		return err
	}
	for n := 0; ; n++ {
		b, err := s.Read(t.Context())
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if limit > 0 && n == limit {
			for _, p := range b.Parts {
				p.Records.Release()
			}
			return nil
		}
		g.commit(t, b)
		if err := s.Ack(t.Context(), b.Token); err != nil {
			return err
		}
	}
}

func schemaText(s *arrow.Schema) string {
	var all []string
	for _, f := range s.Fields() {
		all = append(all, f.Name+" "+f.Type.String())
	}
	return strings.Join(all, ", ")
}

func rowText(rec arrow.RecordBatch, i int) string {
	var all []string
	for _, c := range rec.Columns() {
		switch s, ok := c.(*array.String); {
		case c.IsNull(i):
			all = append(all, "null")
		case ok:
			all = append(all, s.Value(i))
		default:
			all = append(all, c.ValueStr(i))
		}
	}
	return strings.Join(all, "|")
}

func write(t testing.TB, dir, name, content string) {
	t.Helper()
	p := filepath.Join(dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(p, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func equal(t testing.TB, rows, want []string) {
	t.Helper()
	if g, w := strings.Join(rows, "\n"), strings.Join(want, "\n"); g != w {
		t.Errorf("got:\n%.3000s\nwant:\n%.3000s", g, w)
	}
}

// s3Conn is a connection to the gateway, with a bucket of the test's own.
func s3Conn(t testing.TB) S3 {
	t.Helper()
	name := strings.ToLower(strings.NewReplacer("/", "-", "_", "-", ",", "").Replace(t.Name()))
	name = name[:min(len(name), 40)]
	if err := gateway.MakeBucket(name); err != nil {
		t.Fatal(err)
	}
	c := S3{Bucket: name, PathStyle: true}
	c.Endpoint, c.Region = gateway.Endpoint(), versitygw.Region
	c.AccessKey, c.SecretKey = versitygw.AccessKey, redact.New(versitygw.SecretKey)
	return c
}
