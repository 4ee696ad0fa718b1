package amqp

import (
	"context"
	"fmt"
	"time"

	"github.com/tidemill/tidemill"
)

// Check connects and looks at the queues as a source with opts would, but
// declares none and consumes nothing. Where the management API answers, it
// looks also at the arguments and policies of the queues; wait is how long a
// batch may wait for its commit.
func Check(ctx context.Context, conn Connection, opts Options, wait time.Duration, env tidemill.Env) []tidemill.Finding {
	b, err := newBroker(conn, env)
	if err != nil {
		return []tidemill.Finding{failed("read url", err)}
	}
	c, err := b.dial(ctx)
	if err != nil {
		return []tidemill.Finding{failed("connect to "+b.name, err)}
	}
	defer func() { _ = c.CloseDeadline(time.Now().Add(5 * time.Second)) }() // nothing is under way
	found := []tidemill.Finding{{OK: true, What: "connect to " + b.name}}

	m := newManagement(b, conn.Management)
	about, err := m.overview(ctx)
	if err != nil {
		m = nil
		found = append(found, tidemill.Finding{
			OK: true, What: "management API", Warn: conn.Management != "",
			Why:  "not to be had, so that arguments and policies of queues were not checked: " + err.Error(),
			Hint: "enable the plugin rabbitmq_management, give the user the tag management, or set management on the connection",
		})
	}
	for _, q := range opts.Queues {
		passive := opts
		passive.Declare = false
		state, err := b.inspect(c, q, passive)
		switch {
		case err != nil && opts.Declare && tidemill.CodeOf(err) == tidemill.NotFound:
			found = append(found, tidemill.Finding{OK: true, What: "queue " + q, Why: "it is not there yet and will be declared"})
			continue
		case err != nil:
			f := failed("queue "+q, err)
			if name := m.nearest(ctx, q); name != "" {
				f.Why += fmt.Sprintf("; there is %q", name)
			}
			found = append(found, f)
			continue
		}
		found = append(found, tidemill.Finding{OK: true, What: fmt.Sprintf("queue %s: %d messages, %d consumers", q, state.Messages, state.Consumers)})
		if m != nil {
			found = append(found, m.check(ctx, q, about, wait)...)
		}
	}
	return found
}

// failed puts the reason and remedy of err into a finding.
func failed(what string, err error) tidemill.Finding {
	f := tidemill.Finding{What: what, Why: err.Error()}
	if hints := tidemill.Hints(err); len(hints) > 0 {
		f.Hint = hints[0]
	}
	return f
}
