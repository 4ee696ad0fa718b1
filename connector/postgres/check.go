package postgres

import (
	"context"
	"fmt"

	"github.com/tidemill/tidemill"
)

// Check connects and looks at what a source with opts would read, without
// reading it. Without tables and query it only connects.
func Check(ctx context.Context, conn Connection, opts Options, env tidemill.Env) []tidemill.Finding {
	srv, err := newServer(conn, env)
	if err != nil {
		return []tidemill.Finding{failed("read connection", err)}
	}
	what := "connect to postgres " + srv.name
	c, err := srv.connect(ctx)
	if err != nil {
		return []tidemill.Finding{failed(what, err)}
	}
	defer closeConn(c)
	found := []tidemill.Finding{{OK: true, What: what + ", server " + c.PgConn().ParameterStatus("server_version")}}
	if len(opts.Tables) == 0 && opts.Query == "" {
		return found
	}
	if opts, err = opts.checked(); err != nil {
		return append(found, failed("read source", err))
	}
	tables, err := srv.find(ctx, c, opts)
	if err == nil && opts.Mode == modeIncremental {
		err = srv.haveCursor(tables, opts)
	}
	if err != nil {
		return append(found, failed("read "+opts.subject(), err))
	}
	for _, t := range tables {
		found = append(found, srv.look(t, opts))
	}
	return found
}

func (o Options) subject() string {
	if o.Query != "" {
		return "query " + o.Name
	}
	return "tables"
}

// look tells what is to be known of one table.
func (s *server) look(t *table, opts Options) tidemill.Finding {
	if t.query != "" {
		f := tidemill.Finding{OK: true, What: fmt.Sprintf("query %s: %d columns", t.name, len(t.columns))}
		if len(t.key) == 0 {
			f.Warn, f.Why, f.Hint = true, "it has no key, so that a snapshot of it cannot go on after a crash, and rows of one cursor value are told apart by content", "set key to the columns that identify a row"
		}
		return f
	}
	f := tidemill.Finding{OK: true, What: fmt.Sprintf("table %s: about %d rows, %d columns", t.name, t.rows, len(t.columns))}
	if len(t.key) == 0 && opts.Mode == modeSnapshot {
		f.Warn, f.Why = true, "it has no key: it is read by one connection, and after a crash only goes on if it has not changed"
		f.Hint = "give it a primary key"
	}
	return f
}

// failed puts the reason and remedy of err into a finding.
func failed(what string, err error) tidemill.Finding {
	f := tidemill.Finding{What: what, Why: err.Error()}
	if hints := tidemill.Hints(err); len(hints) > 0 {
		f.Hint = hints[0]
	}
	return f
}
