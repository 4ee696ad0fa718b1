package amqp

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tidemill/tidemill"
)

// maxAnswer bounds what is read of one answer of the management API.
const maxAnswer = 8 << 20

// management asks RabbitMQ's HTTP API.
type management struct {
	base   string
	user   string
	pass   string
	vhost  string
	client *http.Client
}

// overview is what matters here of the broker itself.
type overview struct {
	Version string `json:"rabbitmq_version"`
}

// major returns the first number of the version, or 0.
func (o overview) major() int {
	first, _, _ := strings.Cut(o.Version, ".")
	n, err := strconv.Atoi(first)
	if err != nil {
		return 0
	}
	return n
}

// settings are the arguments and the policy of a queue.
type settings struct {
	Name      string         `json:"name"`
	Type      string         `json:"type"`
	Arguments map[string]any `json:"arguments"`
	Policy    map[string]any `json:"effective_policy_definition"`
}

// number returns a setting that is given as an argument, with x- before its
// name, or by a policy. Of a number that both give, the lower one holds.
func (s settings) number(name string) (float64, bool) {
	a, inArguments := s.Arguments["x-"+name].(float64)
	p, inPolicy := s.Policy[name].(float64)
	switch {
	case inArguments && inPolicy:
		return min(a, p), true
	case inArguments:
		return a, true
	}
	return p, inPolicy
}

func (s settings) has(name string) bool {
	_, inArguments := s.Arguments["x-"+name]
	_, inPolicy := s.Policy[name]
	return inArguments || inPolicy
}

// newManagement returns a client for base, or for the usual port of the
// broker's host.
func newManagement(b *broker, base string) *management {
	scheme, port := "http", "15672"
	if b.tls != nil {
		scheme, port = "https", "15671"
	}
	if base == "" {
		base = scheme + "://" + net.JoinHostPort(b.uri.Host, port)
	}
	var trust *tls.Config
	if b.tls != nil {
		trust = b.tls.Clone()
	}
	return &management{
		base: strings.TrimSuffix(base, "/"), user: b.uri.Username, pass: b.uri.Password, vhost: b.uri.Vhost,
		client: &http.Client{Timeout: 3 * time.Second, Transport: &http.Transport{TLSClientConfig: trust, DisableKeepAlives: true}},
	}
}

func (m *management) get(ctx context.Context, path string, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, m.base+path, http.NoBody)
	if err != nil {
		return err
	}
	req.SetBasicAuth(m.user, m.pass)
	resp, err := m.client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }() // it was read
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", m.base, resp.Status)
	}
	return json.NewDecoder(io.LimitReader(resp.Body, maxAnswer)).Decode(into)
}

func (m *management) overview(ctx context.Context) (o overview, err error) {
	err = m.get(ctx, "/api/overview", &o)
	return o, err
}

// check looks at the settings of a queue that exists.
func (m *management) check(ctx context.Context, queue string, about overview, wait time.Duration) []tidemill.Finding {
	var s settings
	if err := m.get(ctx, "/api/queues/"+url.PathEscape(m.vhost)+"/"+url.PathEscape(queue), &s); err != nil {
		return []tidemill.Finding{{OK: true, Warn: true, What: "settings of queue " + queue, Why: err.Error(), Hint: "give the user the tag management"}}
	}
	var found []tidemill.Finding
	warn := func(why, hint string) {
		found = append(found, tidemill.Finding{OK: true, Warn: true, What: "settings of queue " + queue, Why: why, Hint: hint})
	}
	limit, limited := s.number("delivery-limit")
	if !limited && s.Type == "quorum" && about.major() >= 4 {
		limit, limited = 20, true // the default since RabbitMQ 4
	}
	if limited && limit >= 0 && !s.has("dead-letter-exchange") {
		warn(fmt.Sprintf("it drops a message after %d deliveries, and has no dead-letter exchange: messages that come again after crashes could be lost", int64(limit)),
			"set a policy with dead-letter-exchange on the queue, or delivery-limit -1")
	}
	if ms, ok := s.number("consumer-timeout"); ok {
		if timeout := time.Duration(ms) * time.Millisecond; timeout < 2*wait {
			warn(fmt.Sprintf("its consumer timeout is %s: the broker closes a consumer that takes longer to acknowledge, and two batches may wait %s", timeout, 2*wait),
				"raise consumer-timeout of the queue, or lower batch.wait")
		}
	}
	return found
}

// nearest returns the name of the queue in the vhost that is most like one
// that is missing, or "". A nil m knows none.
func (m *management) nearest(ctx context.Context, queue string) string {
	if m == nil {
		return ""
	}
	var all []settings
	if err := m.get(ctx, "/api/queues/"+url.PathEscape(m.vhost)+"?columns=name", &all); err != nil {
		return "" // the queue is missing all the same
	}
	best, at := "", len(queue)/2+1
	for _, s := range all {
		if d := distance(strings.ToLower(queue), strings.ToLower(s.Name)); d < at {
			best, at = s.Name, d
		}
	}
	return best
}

// distance is the number of letters to insert, remove or replace.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		last := slices.Clone(row)
		row[0] = i + 1
		for j := range len(b) {
			d := last[j]
			if a[i] != b[j] {
				d++
			}
			row[j+1] = min(d, last[j+1]+1, row[j]+1)
		}
	}
	return row[len(b)]
}
