package duckdb

import (
	"context"
	"fmt"
	"strings"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/internal/redact"
)

// Check opens the database, looks at what landing needs, and closes it. It
// makes the folder and the file where they are missing.
func Check(ctx context.Context, cfg Connection, env tidemill.Env) []tidemill.Finding {
	what := "open " + cfg.Path
	w, err := Open(ctx, cfg, env)
	if err != nil {
		return []tidemill.Finding{failed(what, err)}
	}
	defer func() { _ = w.Close() }() // nothing was written
	findings := []tidemill.Finding{{OK: true, What: what}}
	if cfg.Path == inMemory {
		findings[0].Warn = true
		findings[0].Why = "the database is in memory and ends with the process"
		findings[0].Hint = "set path to a file"
	}
	if _, isClient := w.used.(*client); isClient {
		findings[0].What = fmt.Sprintf("%s, which %s has open, over its socket", what, w.place.holder())
	}
	if err := tryWrite(ctx, w); err != nil {
		return append(findings, failed("write to "+cfg.Path, err))
	}
	return append(findings, tidemill.Finding{OK: true, What: "write to " + cfg.Path})
}

// tryWrite makes a table in a transaction that is not committed.
func tryWrite(ctx context.Context, w *Warehouse) error {
	s, err := w.Session(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	if err := s.Begin(ctx); err != nil {
		return err
	}
	if _, err := s.Exec(ctx, "CREATE TABLE tidemill.check_write (a BIGINT)"); err != nil {
		return err
	}
	return s.Rollback(ctx)
}

func failed(what string, err error) tidemill.Finding {
	return tidemill.Finding{What: what, Why: redact.Text(err.Error()), Hint: strings.Join(tidemill.Hints(err), "; ")}
}
