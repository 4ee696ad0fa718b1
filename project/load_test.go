package project_test

import (
	"os"
	"path/filepath"
	"testing"

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
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
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
