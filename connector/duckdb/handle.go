package duckdb

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/tidemill/tidemill"
)

// handle is the session that callers have. Below it is one of this process or
// of the owner, which is replaced when it was lost, as long as it had nothing
// that a new one has not: a transaction, temporary tables, settings.
type handle struct {
	warehouse *Warehouse
	used      tidemill.Session
	dirty     bool
}

// do runs an operation, once more in a new session where the old one was lost
// before anything was done with it.
func (h *handle) do(ctx context.Context, run func() error) error {
	err := run()
	if !errors.Is(err, errGone) && !errors.Is(err, errBroken) {
		return err
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if h.dirty {
		return errBroken
	}
	_ = h.used.Close() // it is lost already
	s, err := h.warehouse.open(ctx)
	if err != nil {
		return err
	}
	h.used = s
	return lost(ctx, run())
}

// Begin starts a transaction. Like Exec it binds the handle to its session.
func (h *handle) Begin(ctx context.Context) error {
	err := h.do(ctx, func() error { return h.used.Begin(ctx) })
	h.dirty = h.dirty || err == nil
	return err
}

func (h *handle) Commit(ctx context.Context) error {
	return lost(ctx, h.used.Commit(ctx))
}

func (h *handle) Rollback(ctx context.Context) error {
	return lost(ctx, h.used.Rollback(ctx))
}

// Exec is not repeated: it may have run before the connection broke.
func (h *handle) Exec(ctx context.Context, sql string, args ...any) (int64, error) {
	h.dirty = true
	n, err := h.used.Exec(ctx, sql, args...)
	return n, lost(ctx, err)
}

func (h *handle) Query(ctx context.Context, sql string, args ...any) (r array.RecordReader, err error) {
	query := func() error {
		r, err = h.used.Query(ctx, sql, args...)
		return err
	}
	if readsOnly(sql) {
		err = h.do(ctx, query)
	} else {
		h.dirty = true
		err = lost(ctx, query())
	}
	if err != nil {
		return nil, err
	}
	return r, nil
}

// readsOnly reports whether sql surely changes nothing, by its first word.
func readsOnly(sql string) bool {
	word := strings.ToLower(strings.TrimSpace(sql))
	if i := strings.IndexFunc(word, func(r rune) bool { return r < 'a' || r > 'z' }); i >= 0 {
		word = word[:i]
	}
	return slices.Contains([]string{"select", "from", "values", "show", "describe", "summarize"}, word) && !strings.Contains(strings.TrimRight(sql, "; \n"), ";")
}

func (h *handle) Close() error { return h.used.Close() }
