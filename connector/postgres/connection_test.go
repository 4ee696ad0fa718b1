package postgres

import (
	"context"
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/internal/redact"
	pgserver "github.com/tidemill/tidemill/tidetest/postgres"
)

func TestConnect(t *testing.T) {
	good := Connection{Host: "127.0.0.1", Port: shared.Port(), User: pgserver.User, Password: redact.New(pgserver.Password), Database: "postgres"}
	with := func(change func(*Connection)) Connection {
		c := good
		change(&c)
		return c
	}
	dead, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	unused := dead.Addr().(*net.TCPAddr).Port
	_ = dead.Close()
	for name, c := range map[string]struct {
		conn Connection
		code tidemill.Code
		says string
	}{
		"parts":            {good, "", ""},
		"url":              {Connection{URL: redact.New(shared.URL(""))}, "", ""},
		"verify-full":      {with(func(c *Connection) { c.SSLMode, c.CAFile = "verify-full", shared.CAFile }), "", ""},
		"url, verify-full": {Connection{URL: redact.New(shared.URL("") + "?sslmode=verify-full&sslrootcert=" + shared.CAFile)}, "", ""},
		"client's certificate": {with(func(c *Connection) {
			c.SSLMode, c.CAFile, c.CertFile, c.KeyFile = "verify-full", shared.CAFile, shared.CertFile, shared.KeyFile
		}), "", ""},
		"wrong password":    {with(func(c *Connection) { c.Password = redact.New("not-the-password") }), tidemill.Denied, "password authentication failed"},
		"unknown user":      {with(func(c *Connection) { c.User = "nobody" }), tidemill.Denied, "password authentication failed"},
		"unknown database":  {with(func(c *Connection) { c.Database = "nothing" }), tidemill.NotFound, `database "nothing" does not exist`},
		"unknown host":      {with(func(c *Connection) { c.Host = "no-such-host.invalid" }), tidemill.Unavailable, "no-such-host.invalid"},
		"nobody listens":    {with(func(c *Connection) { c.Port = unused }), tidemill.Unavailable, "connection refused"},
		"unknown authority": {with(func(c *Connection) { c.SSLMode = "verify-full" }), tidemill.Denied, "certificate"},
		"no ca_file":        {with(func(c *Connection) { c.SSLMode, c.CAFile = "verify-full", "nothing.pem" }), tidemill.Invalid, "nothing.pem"},
		"key alone":         {with(func(c *Connection) { c.KeyFile = "key.pem" }), tidemill.Invalid, "only of use together"},
		"no user":           {with(func(c *Connection) { c.User = "" }), tidemill.Invalid, "no user"},
		"no host":           {with(func(c *Connection) { c.Host = "" }), tidemill.Invalid, "no server"},
		"both":              {with(func(c *Connection) { c.URL = redact.New(shared.URL("")) }), tidemill.Invalid, "beside"},
		"two modes":         {Connection{URL: redact.New(shared.URL("") + "?sslmode=disable"), SSLMode: "verify-full"}, tidemill.Invalid, "beside it"},
		"no url":            {Connection{URL: redact.New("postgres://postgres:not-the-password@[/x")}, tidemill.Invalid, "no address"},
		"other url":         {Connection{URL: redact.New("mysql://a:not-the-password@b/c")}, tidemill.Invalid, "no address"},
		"unknown mode":      {with(func(c *Connection) { c.SSLMode = "full" }), tidemill.Invalid, "sslmode"},
	} {
		t.Run(name, func(t *testing.T) {
			conn, err := c.conn.Connect(context.Background(), testEnv(t))
			if err == nil {
				defer func() { _ = conn.Close(context.Background()) }()
			}
			if tidemill.CodeOf(err) != c.code {
				t.Fatalf("code %q, want %q: %v", tidemill.CodeOf(err), c.code, err)
			}
			if err == nil {
				return
			}
			text := fmt.Sprint(err, tidemill.Hints(err))
			if !strings.Contains(text, c.says) || strings.Contains(text, "not-the-password") || strings.Contains(text, pgserver.Password) {
				t.Errorf("%s", text)
			}
			if c.code != tidemill.Invalid && len(tidemill.Hints(err)) == 0 {
				t.Errorf("no hint: %v", err)
			}
			if tidemill.Retryable(err) != (c.code == tidemill.Unavailable && name != "unknown host") {
				t.Errorf("retryable: %t: %v", tidemill.Retryable(err), err)
			}
		})
	}
}

func TestConnectReplication(t *testing.T) {
	ctx := context.Background()
	c := Connection{URL: redact.New(shared.URL(""))}
	conn, err := c.ConnectReplication(ctx, testEnv(t))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(ctx) }()
	if _, err := conn.Exec(ctx, "IDENTIFY_SYSTEM").ReadAll(); err != nil {
		t.Error(err)
	}
}

// TestEnvironmentStaysOut: what the shell has set for psql is not for us.
func TestEnvironmentStaysOut(t *testing.T) {
	for k, v := range map[string]string{"PGSSLMODE": "verify-full", "PGOPTIONS": "-c geqo=off", "PGTZ": "Asia/Tokyo", "PGSSLROOTCERT": "/nothing"} {
		t.Setenv(k, v)
	}
	ctx := context.Background()
	conn, err := (Connection{URL: redact.New(shared.URL(""))}).Connect(ctx, testEnv(t))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(ctx) }()
	var zone, geqo, name string
	err = conn.QueryRow(ctx, "select current_setting('timezone'), current_setting('geqo'), current_setting('application_name')").Scan(&zone, &geqo, &name)
	if err != nil || zone != "UTC" || geqo != "on" || name != "tidemill" {
		t.Error(zone, geqo, name, err)
	}
}
