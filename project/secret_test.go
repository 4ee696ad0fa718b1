package project_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/tidemill/tidemill/internal/redact"
	"github.com/tidemill/tidemill/project"
)

const secretProject = `name: cards
connections:
  warehouse: {type: duckdb, path: x}
  a: {type: amqp, url: ${URL}, password: ${PASSWORD}}
  b: {type: amqp, url: "amqp://u:${PASSWORD}@h/", password: "${file:secret.txt}"}
  c: {type: amqp, url: amqp://h, password: literal-in-the-file}
pipelines:
  p:
    source: {connection: a, queues: [q]}
    land: {table: raw.p, hash: [x], salt: ${SALT}}
    dead: {undecodable: withhold}
`

// TestSecretsNeverPrint prints a whole project in every way.
func TestSecretsNeverPrint(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		draw := func(name string) string {
			return name + rapid.StringMatching(`[A-Za-z0-9/+=!*$&{}\\"']{4,20}`).Draw(rt, name)
		}
		env := map[string]string{"PASSWORD": draw("pw"), "SALT": draw("salt"), "URL": "amqp://u:" + draw("url") + "@h/"}
		file := draw("file")
		dir := folder(t, map[string]string{"tidemill.yml": secretProject, "secret.txt": file + "\n"})
		p, err := project.Load(dir, project.Options{Kinds: kinds(), Env: variables(env)})
		if err != nil {
			rt.Fatal(err)
		}
		if got := p.Connection("b").Config.(*amqp).Password.Reveal(); got != file {
			rt.Fatalf("the secret of a file is %q, want %q", got, file)
		}
		var out bytes.Buffer
		fmt.Fprintf(&out, "%v %+v %#v %v %+v %#v", p, p, p, *p, *p, *p)
		for _, c := range p.Connections {
			fmt.Fprintf(&out, "%v %+v %#v", c, c.Config, c.Config)
		}
		j, err := json.Marshal(p)
		if err != nil {
			rt.Fatal(err)
		}
		out.Write(j)
		slog.New(slog.NewTextHandler(&out, nil)).Info("x", "project", p, "pipeline", p.Pipelines[0])
		slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "project", p, "pipeline", p.Pipelines[0])
		for _, secret := range []string{env["PASSWORD"], env["SALT"], env["URL"], file, "literal-in-the-file"} {
			if strings.Contains(out.String(), secret) {
				rt.Fatalf("%q is in\n%s", secret, out.String())
			}
			if got := redact.Text("driver says " + secret); strings.Contains(got, secret) {
				rt.Fatalf("%q is not registered: %s", secret, got)
			}
		}
	})
}

// TestURLPasswordsAreRegistered: a URL in a field that is no Secret.
func TestURLPasswordsAreRegistered(t *testing.T) {
	dir := folder(t, map[string]string{"tidemill.yml": read(t, "testdata/ok/full.yml"), "secret.txt": "s3cret-in-file"})
	env := variables(map[string]string{"AMQP_PASSWORD": "registered-p%40ss", "PREFETCH": "1", "SALT": "a-salt-of-some"})
	load(t, dir, project.Options{Env: env})
	if got := redact.Text("401 for registered-p@ss"); got != "401 for ***" {
		t.Error(got)
	}
}

// TestAddressesStayReadable: a message may name the server, not the password.
func TestAddressesStayReadable(t *testing.T) {
	dir := folder(t, map[string]string{"tidemill.yml": read(t, "testdata/ok/flat.yml")})
	load(t, dir, project.Options{Env: variables(map[string]string{"AMQP_URL": "amqp://rabbit:hop-hop-hop@broker:5672/v"})})
	if got := redact.Text("dial amqp://rabbit:hop-hop-hop@broker:5672/v"); got != "dial amqp://rabbit:***@broker:5672/v" {
		t.Error(got)
	}
	load(t, dir, project.Options{Env: variables(map[string]string{"AMQP_URL": "https://hooks.example.com/T0/B0/XX"})})
	if got := redact.Text("POST https://hooks.example.com/T0/B0/XX"); got != "POST ***" {
		t.Error(got)
	}
}
