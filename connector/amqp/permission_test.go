package amqp

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/internal/redact"
)

// reader makes a user that may read the named queue, and declare it if
// configure says so, and returns its connection.
func reader(t *testing.T, queue, configure string) Connection {
	t.Helper()
	name := url.PathEscape(strings.ReplaceAll(queue, "/", "-"))
	for _, request := range [][2]string{
		{"/api/users/" + name, `{"password": "a/secret", "tags": ""}`},
		{"/api/permissions/%2F/" + name, fmt.Sprintf(`{"configure": %q, "write": "^$", "read": "^%s$"}`, configure, queue)},
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, shared.ManagementURL()+request[0], strings.NewReader(request[1]))
		if err != nil {
			t.Fatal(err)
		}
		req.SetBasicAuth("guest", "guest")
		req.Close = true
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode >= 300 {
			t.Fatalf("PUT %s: %s", request[0], resp.Status)
		}
	}
	u, err := url.Parse(shared.URL())
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword(strings.ReplaceAll(queue, "/", "-"), "a/secret")
	return Connection{URL: redact.New(u.String())}
}

// The permission to read a queue is all that reading, checking and looking
// need.
func TestReadPermissionIsEnough(t *testing.T) {
	q := queue(t, shared, "quorum")
	publish(t, shared, q, 0, 20, 10)
	conn, opts := reader(t, q, "^$"), Options{Queues: []string{q}}
	if found := Check(t.Context(), conn, opts, 0, env); len(found) < 2 || !found[0].OK || !strings.HasPrefix(found[len(found)-1].What, "queue "+q+": 20 messages") {
		t.Errorf("check: %+v", found)
	}
	if b, err := NewSource(conn, opts, env).Peek(t.Context(), 3); err != nil || len(b.Messages) != 3 {
		t.Errorf("peek: %d messages, %v", len(b.Messages), err)
	}
	s := NewSource(conn, opts, env)
	if err := s.Open(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	seen{}.upTo(t, s, 20)
	closeSource(t, s)
	empty(t, shared, q)

	opts.Declare, opts.QueueType, opts.Queues = true, "quorum", []string{q + "-new"}
	s = NewSource(conn, opts, env)
	if err := s.Open(t.Context(), nil); tidemill.CodeOf(err) != tidemill.Denied || len(tidemill.Hints(err)) != 1 {
		t.Errorf("it may declare: %v", err)
	}
	closeSource(t, s)
}
