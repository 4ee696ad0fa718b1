package duckdb

import (
	"context"
	"fmt"
	"strings"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/internal/ident"
	"github.com/tidemill/tidemill/internal/redact"
)

// Check opens the database, looks at what landing needs, and closes it. It
// makes the folder and the file where they are missing. Of what pipelines read
// of it, it looks whether that is there.
func Check(ctx context.Context, cfg Connection, readers []Options, env tidemill.Env) []tidemill.Finding {
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
	findings = append(findings, tidemill.Finding{OK: true, What: "write to " + cfg.Path})
	for _, opts := range readers {
		findings = append(findings, checkReader(ctx, w, opts))
	}
	return findings
}

// checkReader looks whether what opts name can be read.
func checkReader(ctx context.Context, w *Warehouse, opts Options) tidemill.Finding {
	what := "read " + opts.stream()
	from, err := opts.from()
	if err != nil {
		return failed(what, err)
	}
	column, err := ident.Quote(tidemill.DuckDB, opts.Cursor)
	if err != nil {
		return failed(what, err)
	}
	if err := tryRead(ctx, w, "SELECT "+column+" FROM "+from+" LIMIT 0"); err != nil {
		f := failed(what, err)
		f.Hint = "name a table or query that the database has, and a cursor among its columns"
		return f
	}
	return tidemill.Finding{OK: true, What: what}
}

func tryRead(ctx context.Context, w *Warehouse, sql string) error {
	s, err := w.Session(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	r, err := s.Query(ctx, sql)
	if err != nil {
		return err
	}
	defer r.Release()
	return r.Err()
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
