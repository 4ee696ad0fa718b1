// Package errors makes the mistakes that users make, with the real binary:
// each must give one clear error that says where it is and what to do, with
// exit code 1, without a stack trace and without a secret.
package errors

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tidemill/tidemill/e2e/internal/cli"
	"github.com/tidemill/tidemill/tidetest/rabbitmq"
)

const config = `
name: mistakes
targets:
  dev:
    connections:
      warehouse: {type: duckdb, path: mistakes.duckdb}
      events: {type: amqp, url: %q}
pipelines:
  events:
    source: {connection: events, queues: [mistakes]}
    decode: {format: protobuf, files: [proto/events.proto]}
    land: {table: raw.events}
`

const secret = "s3cret-Pa55word"

func TestMistakes(t *testing.T) {
	broker := rabbitmq.Start(t, rabbitmq.Options{})
	host := strings.TrimSuffix(strings.SplitN(broker.URL(), "@", 2)[1], "/")
	model := func(name, sql string) func(*cli.Project) {
		return func(p *cli.Project) {
			p.Write("dbt_project.yml", "name: mistakes\nversion: '1.0'\nprofile: mistakes\n")
			p.Write("models/"+name+".sql", sql)
		}
	}
	for _, c := range []struct {
		name string
		make func(*cli.Project)
		args string
		says []string
	}{
		{"wrong password", func(p *cli.Project) {
			p.Replace("tidemill.yml", "guest:guest@", "guest:"+secret+"@")
		}, "land --once", []string{host, "denied", "hint: check user and password"}},
		{"missing queue", func(*cli.Project) {}, "land --once", []string{"mistakes", host, "not_found", "declare: true"}},
		{"bad proto", func(p *cli.Project) {
			p.Replace("proto/events.proto", "string card_id = 1; // unique", "strin card_id = 1; // unique")
		}, "land --once", []string{"proto/events.proto:18:3", "strin"}},
		{"cycle", func(p *cli.Project) {
			model("a", "select * from {{ ref('b') }}")(p)
			model("b", "select * from {{ ref('a') }}")(p)
		}, "build", []string{"models/a.sql:1:", "a -> b -> a", "cycle"}},
		{"ref to nothing", model("a", "select 1\n\nfrom {{ ref('nothing') }}"), "build", []string{"models/a.sql:3", "nothing"}},
		{"failing sql", model("a", "select 1 as x,\n  nowhere as y"), "build", []string{"models/a.sql:2", "nowhere"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := cli.New(t, fmt.Sprintf(config, broker.URL()))
			c.make(p)
			r := p.Run(strings.Fields(c.args)...)
			clear(t, r, c.says)
		})
	}
	t.Run("declared queue", func(t *testing.T) {
		p := cli.New(t, fmt.Sprintf(config, broker.URL()))
		p.Replace("tidemill.yml", "queues: [mistakes]", "queues: [declared], declare: true")
		p.Must("land", "--once")
		if _, err := broker.Depth("declared"); err != nil {
			t.Errorf("declare: true has not made the queue: %v", err)
		}
	})
}

// clear holds the end of a command to one error that says all of says.
func clear(t *testing.T, r cli.Result, says []string) {
	t.Helper()
	bad := r.Code != 1 || strings.Count(strings.ToLower(r.Output()), "error: ")+strings.Count(r.Output(), "  error  ") == 0
	for _, text := range says {
		if !strings.Contains(r.Output(), text) {
			t.Errorf("it does not say %q", text)
			bad = true
		}
	}
	for _, text := range []string{secret, "goroutine ", "panic", ".go:"} {
		if strings.Contains(r.Output(), text) {
			t.Errorf("it says %q", text)
			bad = true
		}
	}
	if n := strings.Count("\n"+r.Stderr, "\nerror: "); n > 1 {
		t.Errorf("%d errors, want one", n)
		bad = true
	}
	if bad {
		t.Errorf("exit code %d\n%s", r.Code, r.Output())
	}
}
