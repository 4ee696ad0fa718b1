package sqs

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tidemill/tidemill"
)

// about returns the findings that hold a text.
func about(found []tidemill.Finding, text string) (all []tidemill.Finding) {
	for _, f := range found {
		if strings.Contains(f.What+" "+f.Why, text) {
			all = append(all, f)
		}
	}
	return all
}

func TestCheck(t *testing.T) {
	dead := create(t, "dead", nil)
	policy := func(n string) map[string]string {
		return map[string]string{"RedrivePolicy": `{"deadLetterTargetArn":"arn:aws:sqs:elasticmq:000000000000:` + dead + `","maxReceiveCount":` + n + `}`}
	}
	few, many := create(t, "few", policy("3")), create(t, "many", policy("20"))
	group := fifo(t)
	send(t, many, 0, 25, 0)
	found := Check(t.Context(), connection(endpoint()), Options{Queues: []string{few, many, group, "nowhere"}, Visibility: 10 * time.Second}, 6*time.Second, env)
	for text, want := range map[string]int{
		"maxReceiveCount 3": 1, "maxReceiveCount 20": 0, "no redrive policy": 1, "FIFO": 1,
		"visibility 10s": 3, many + ": 25 messages": 1, "no such queue": 1, "permissions": 0,
	} {
		if got := len(about(found, text)); got != want {
			t.Errorf("%q: %d findings, want %d\n%+v", text, got, want, found)
		}
	}
	for _, f := range found {
		if f.Warn && !f.OK || !f.OK && f.Hint == "" {
			t.Errorf("finding %+v", f)
		}
	}
	// Nothing was received: all is there, for the first time.
	s := open(t, endpoint(), Options{Queues: []string{many}})
	for n := (seen{}); len(n) < 25; {
		b := read(t, s)
		n.add(b)
		ack(t, s, b.Token)
		for _, m := range b.Messages {
			if m.Redelivered {
				t.Fatalf("%s was received by the check", m.Value)
			}
		}
	}
}

func TestCheckPermissions(t *testing.T) {
	queue := standard(t)
	for _, action := range []string{"ReceiveMessage", "DeleteMessage", "ChangeMessageVisibility"} {
		p := newProxy(t)
		p.onCall(func(got string, w http.ResponseWriter, _ []byte) bool {
			if got == action {
				refuse(w, 403, "AccessDenied")
			}
			return got == action
		})
		found := about(Check(t.Context(), connection(p.URL), Options{Queues: []string{queue}}, time.Second, env), "permissions")
		if len(found) != 1 || found[0].OK || !strings.Contains(found[0].Hint, "sqs:"+action) {
			t.Errorf("%s: %+v", action, found)
		}
	}
}

func TestCheckWithoutService(t *testing.T) {
	found := Check(t.Context(), connection("http://127.0.0.1:1"), Options{Queues: []string{"q"}}, time.Second, env)
	if len(found) != 1 || found[0].OK || found[0].Hint == "" {
		t.Errorf("got %+v", found)
	}
	if found := Check(t.Context(), Connection{}, Options{}, 0, env); len(found) != 1 {
		t.Errorf("got %+v", found)
	}
	if found := Check(t.Context(), connection(endpoint()), Options{}, 0, env); len(found) != 1 || !found[0].OK {
		t.Errorf("no reader: %+v", found)
	}
}

func TestValidate(t *testing.T) {
	for _, c := range []struct {
		name string
		opts Options
		want string
	}{
		{"defaults", Options{Queues: []string{"a", "b"}}, ""},
		{"long", Options{Visibility: 13 * time.Hour}, "visibility"},
		{"fraction", Options{Visibility: 1500 * time.Millisecond}, "visibility"},
		{"twice", Options{Queues: []string{"a", "a"}}, "queues[1]"},
		{"many", Options{Receivers: 65}, "receivers"},
	} {
		err := c.opts.Validate()
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: got %v, want %q", c.name, err, c.want)
		}
	}
}
