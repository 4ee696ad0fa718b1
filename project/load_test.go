package project_test

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/project"
)

// variables is the environment of these tests.
func variables(vars map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		v, ok := vars[name]
		return v, ok
	}
}

var allVariables = map[string]string{
	"AMQP_URL": "amqp://u:pass-of-url@h/", "AMQP_PASSWORD": "pa55-of-amqp", "PREFETCH": "16", "SALT": "pepper-and-salt",
}

// folder makes a project folder of files by name.
func folder(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		write(t, filepath.Join(dir, name), text)
	}
	return dir
}

func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func read(t testing.TB, file string) string {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func load(t testing.TB, dir string, opts project.Options) *project.Project {
	t.Helper()
	if opts.Env == nil {
		opts.Env = variables(allVariables)
	}
	opts.Kinds = kinds()
	p, err := project.Load(dir, opts)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestLoadTargets(t *testing.T) {
	dir := folder(t, map[string]string{"tidemill.yml": read(t, "testdata/ok/cards.yml")})
	none := variables(nil)

	dev := load(t, dir, project.Options{Env: none}) // AMQP_URL is not missed
	if dev.Target != "dev" || len(dev.Targets) != 2 || dev.Connection("events").Type != "file" || dev.Warehouse().Config.(*duckdb).Schema != "main" {
		t.Errorf("dev: %+v", dev)
	}
	if o := dev.Pipelines[0].Source.Options.(*fileSource); len(o.Queues) != 3 {
		t.Errorf("options of a file source: %+v", o)
	}

	if _, err := project.Load(dir, project.Options{Env: none, Kinds: kinds(), Target: "rabbitmq"}); err == nil {
		t.Error("rabbitmq loads without AMQP_URL")
	}
	rmq := load(t, dir, project.Options{Target: "rabbitmq"})
	config := rmq.Connection("events").Config.(*amqp)
	if config.URL.Reveal() != allVariables["AMQP_URL"] || config.Attempts != 3 || config.MaxSize != 16<<20 || config.TLS != nil {
		t.Errorf("amqp: %+v", config)
	}
	p := rmq.Pipelines[0]
	if !p.Source.Options.(*amqpSource).Declare || p.Land.Batch.Wait.String() != "500ms" || p.Land.Batch.Rows != 10000 {
		t.Errorf("overlay: %+v", p)
	}
	if got := p.At("decode.files[0]"); got.Line != 18 || got.Column != 40 {
		t.Errorf("place of the proto file: %v", got)
	}
}

func TestLoadEveryKey(t *testing.T) {
	dir := folder(t, map[string]string{
		"tidemill.yml": read(t, "testdata/ok/full.yml"), "secret.txt": "from-the-file\n",
		".env": "SALT=pepper-of-env\nPREFETCH=1\nTIDEMILL_DB=env.duckdb\n",
	})
	p := load(t, dir, project.Options{Env: variables(map[string]string{"AMQP_PASSWORD": "pa55-of-amqp", "PREFETCH": "16"})})
	broker, second := p.Connection("broker").Config.(*amqp), p.Connection("second").Config.(*amqp)
	prefetch := 16 // the process wins over .env
	want := amqp{
		retry: retry{5, 90 * time.Second}, Management: "http://admin:pa55-of-amqp@localhost:15672",
		TLS: &tls{"ca.pem", true}, Prefetch: &prefetch, Ratio: 1, MaxSize: 1 << 30,
		Arguments: map[string]any{"x-name": "a$b", "n": int64(1), "deep": []any{true, 1.5, nil, map[string]any{"k": "v"}}},
	}
	got := *broker
	if got.URL.Reveal() != "amqp://guest:pa55-of-amqp@localhost:5672/" || got.Password.Reveal() != "from-the-file" {
		t.Errorf("secrets: %s %s", got.URL.Reveal(), got.Password.Reveal())
	}
	got.URL, got.Password = want.URL, want.Password
	if !reflect.DeepEqual(got, want) {
		t.Errorf("broker:\n%+v, want\n%+v", got, want)
	}
	if second.Pause != 10*time.Second || second.Prefetch != nil || second.Attempts != 5 {
		t.Errorf("<<: %+v", second)
	}
	if w := p.Warehouse().Config.(*duckdb); w.Path != "env.duckdb" || w.Schema != "marts" {
		t.Errorf("warehouse: %+v", w)
	}
	land := p.Pipelines[0].Land
	if land.Salt.Reveal() != "pepper-of-env" || land.Window != 2*time.Hour || land.Batch.Bytes != 1e6 || !slices.Equal(land.Key.Exclude, []string{"sent_at", "meta.host"}) {
		t.Errorf("land: %+v", land)
	}
	if dead := p.Pipelines[0].Dead; dead.StopAt != (project.StopAt{Percent: 2.5, Window: 200}) {
		t.Errorf("dead: %+v", dead)
	}
	back := p.Pipelines[1]
	if back.Name != "backfill" || !back.Dead.StopAt.Off() || back.Decode.Format != "json" || back.Land.Batch.Bytes != 16<<20 || back.Land.Batch.Wait != time.Second {
		t.Errorf("defaults: %+v", back)
	}
}

func TestOverlay(t *testing.T) {
	dir := folder(t, map[string]string{"tidemill.yml": `
name: outer
connections:
  warehouse: {type: duckdb, path: base, schema: base}
  events: {type: file, path: base}
targets:
  same: {connections: {warehouse: {path: over}}}
  other: {name: inner, connections: {events: {type: amqp, url: amqp://h}}, pipelines: {p: {source: {queues: [a]}, land: {dedupe: off, window: ~}}}}
  gone: {connections: {events: ~}, pipelines: {p: ~}}
pipelines:
  p: {source: {connection: events}, land: {table: raw.p, window: 2h}}
`})
	same := load(t, dir, project.Options{})
	if w := same.Warehouse().Config.(*duckdb); w.Path != "over" || w.Schema != "base" {
		t.Errorf("merged: %+v", w)
	}
	other := load(t, dir, project.Options{Target: "other"})
	if other.Name != "inner" || other.Connection("events").Type != "amqp" || other.Pipelines[0].Land.Dedupe != "off" {
		t.Errorf("replaced: %+v", other)
	}
	gone := load(t, dir, project.Options{Target: "gone"})
	if len(gone.Connections) != 1 || len(gone.Pipelines) != 0 {
		t.Errorf("taken away: %+v", gone)
	}
}

// TestLayersAreCheckedTogether: what one layer lacks or has wrong alone may
// come right in the whole.
func TestLayersAreCheckedTogether(t *testing.T) {
	dir := folder(t, map[string]string{"tidemill.yml": `
connections:
  warehouse: {type: duckdb}
  events: {type: amqp, url: amqp://h, tls: {ca: ca.pem, verify: false}}
targets:
  dev:
    name: whole
    connections: {warehouse: {path: x}, events: {tls: {verify: true}}}
    pipelines: {p: {land: {unique_key: [id]}}}
pipelines:
  p: {source: {connection: events, queues: [q]}, land: {table: raw.p, write: upsert}}
`})
	if p := load(t, dir, project.Options{}); p.Name != "whole" || !p.Connection("events").Config.(*amqp).TLS.Verify {
		t.Errorf("%+v", p)
	}
}

func TestSelect(t *testing.T) {
	dir := folder(t, map[string]string{"tidemill.yml": read(t, "testdata/ok/full.yml"), "secret.txt": "x"})
	p := load(t, dir, project.Options{})
	for _, c := range []struct {
		names, want []string
	}{{nil, []string{"orders", "backfill"}}, {[]string{"backfill", "orders", "backfill"}, []string{"orders", "backfill"}}, {[]string{"backfill"}, []string{"backfill"}}} {
		got, err := p.Select(c.names...)
		var names []string
		for _, one := range got {
			names = append(names, one.Name)
		}
		if err != nil || !slices.Equal(names, c.want) {
			t.Errorf("%v selects %v, %v", c.names, names, err)
		}
	}
	if _, err := p.Select("ordres"); tidemill.CodeOf(err) != tidemill.NotFound || !strings.Contains(strings.Join(tidemill.Hints(err), ""), "did you mean orders?") {
		t.Errorf("a wrong name: %v %v", err, tidemill.Hints(err))
	}
}

func TestValuesRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size, back := project.Bytes(rapid.Int64Min(0).Draw(t, "size")), project.Bytes(0)
		if err := back.UnmarshalText([]byte(size.String())); err != nil || back != size {
			t.Fatalf("%s reads as %d: %v", size, back, err)
		}
		stop := project.StopAt{Percent: float64(rapid.IntRange(0, 100_000).Draw(t, "percent")) / 1000, Window: rapid.IntRange(1, 1_000_000).Draw(t, "window")}
		var again project.StopAt
		if err := again.UnmarshalText([]byte(stop.String())); err != nil || again != stop {
			t.Fatalf("%s reads as %+v: %v", stop, again, err)
		}
	})
}
