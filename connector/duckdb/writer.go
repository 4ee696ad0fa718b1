package duckdb

import (
	"context"
	"fmt"
	"time"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/sqlgen"
)

// writer commits and evolves on connections of its own. All its methods are
// called under the owner's lock, so that commits are serial and each look-up
// sees what the commit before has landed.
type writer struct {
	conn    *conn
	feeder  *feeder
	filters map[filterKey]*filter
	newest  map[tidemill.TableName]time.Time // _landed_at of tables that were landed in
	last    time.Time                        // of the newest ledger entry: they are ordered by time

	compacted time.Time // when the ledger was last looked at for old entries

	fault func(point string) // called between the steps of a commit; of tests
}

func newWriter(ctx context.Context, in *instance, fault func(string)) (*writer, error) {
	c, err := in.connect(ctx)
	if err != nil {
		return nil, err
	}
	f, err := newFeeder(ctx, in)
	if err != nil {
		return nil, err
	}
	w := &writer{
		conn: c, feeder: f,
		filters: map[filterKey]*filter{}, newest: map[tidemill.TableName]time.Time{},
	}
	if err := w.migrate(ctx); err != nil {
		return nil, err
	}
	if err := w.resume(ctx); err != nil {
		return nil, err
	}
	w.compactSometimes(ctx)
	w.fault = fault
	return w, nil
}

// transaction runs do between BEGIN and COMMIT; an error rolls back. COMMIT is
// not interrupted by ctx, so that its outcome is known where it can be.
func (w *writer) transaction(ctx context.Context, do func() error) error {
	// Neither may BEGIN be interrupted: it would fail and yet have begun.
	if err := ctx.Err(); err != nil {
		return err
	}
	if _, err := w.conn.exec(context.WithoutCancel(ctx), "BEGIN TRANSACTION"); err != nil {
		return err
	}
	if err := do(); err != nil {
		w.rollback(ctx)
		return err
	}
	w.at("before-commit")
	_, err := w.conn.exec(context.WithoutCancel(ctx), "COMMIT")
	w.at("after-commit")
	if err != nil {
		w.rollback(ctx)
		return &commitError{err}
	}
	return nil
}

// rollback ends what is open. Its error says only that nothing is, or that the
// connection is gone, which the next statement says again.
func (w *writer) rollback(ctx context.Context) {
	_, _ = w.conn.exec(context.WithoutCancel(ctx), "ROLLBACK")
}

func (w *writer) at(point string) {
	if w.fault != nil {
		w.fault(point)
	}
}

// commitError is an error of COMMIT itself: the outcome is unknown.
type commitError struct{ error }

func (e *commitError) Unwrap() error { return e.error }

// migrate brings the schema tidemill to the version of this binary. The lock
// of the file and the writer's lock let one binary do it at a time.
func (w *writer) migrate(ctx context.Context) error {
	return w.transaction(ctx, func() error {
		rows, err := w.conn.find(ctx, sqlgen.SelectVersion{})
		if err != nil {
			return fmt.Errorf("migrate schema tidemill: %w", err)
		}
		at := int(rows[0][0].(int64))
		if at > sqlgen.Migrations {
			return &tidemill.Error{
				Code: tidemill.Invalid, Op: "open " + w.conn.in.path,
				Err:  fmt.Errorf("its schema tidemill has version %d, this binary knows %d", at, sqlgen.Migrations),
				Hint: "use the newer tidemill that wrote it",
			}
		}
		for v := at + 1; v <= sqlgen.Migrations; v++ {
			if _, err := w.conn.run(ctx, sqlgen.Migration{Version: v}); err != nil {
				return fmt.Errorf("migrate schema tidemill to version %d: %w", v, err)
			}
			if _, err := w.conn.run(ctx, sqlgen.InsertVersion{}, int64(v)); err != nil {
				return fmt.Errorf("migrate schema tidemill to version %d: %w", v, err)
			}
		}
		return nil
	})
}

// tick returns the time of the next ledger entry, later than all before.
func (w *writer) tick() time.Time {
	t := time.Now().UTC().Truncate(time.Microsecond)
	if !t.After(w.last) {
		t = w.last.Add(time.Microsecond)
	}
	w.last = t
	return t
}
