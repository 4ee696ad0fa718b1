package duckdb

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/tidemill/tidemill"
)

// owner is the one process that has the database file open.
type owner struct {
	path  string
	cfg   Connection
	log   *slog.Logger // of statements
	fault func(point string)

	// turn is the lock of Commit and Evolve: who takes the token out of it
	// may use writer and replace instance.
	turn     chan struct{}
	writer   *writer
	instance *instance
	needed   *budget       // of the instance before, if there was one
	folds    chan struct{} // holds a token while a fold runs
	closed   bool          // for good: who still waits for the turn must not open it anew
}

func openOwner(ctx context.Context, path string, cfg Connection, log *slog.Logger, fault func(string)) (*owner, error) {
	o := &owner{path: path, cfg: cfg, log: log, fault: fault, turn: make(chan struct{}, 1), folds: make(chan struct{}, 1)}
	if err := o.reopen(ctx); err != nil {
		return nil, err
	}
	o.turn <- struct{}{}
	return o, nil
}

// reopen opens the database, after closing it where it was open. The caller
// has the turn. Sessions lose their connections.
func (o *owner) reopen(ctx context.Context) error {
	if o.instance != nil {
		o.needed = o.instance.budget
		o.instance.close()
		o.instance, o.writer = nil, nil
	}
	in, err := openInstance(ctx, o.path, o.cfg, o.log)
	if err != nil {
		return err
	}
	if o.needed != nil {
		in.budget.inherit(ctx, o.needed)
	}
	w, err := newWriter(ctx, in, o.fault)
	if err != nil {
		in.close()
		return err
	}
	o.instance, o.writer = in, w
	return nil
}

// take waits for the turn and sees to it that the database is open.
func (o *owner) take(ctx context.Context) error {
	select {
	case <-o.turn:
	case <-ctx.Done():
		return ctx.Err()
	}
	if o.closed {
		o.give()
		return errClosed
	}
	if o.instance != nil {
		return nil
	}
	if err := o.reopen(ctx); err != nil {
		o.give()
		return err
	}
	return nil
}

func (o *owner) give() { o.turn <- struct{}{} }

// attempts is how often a commit that lost against another transaction runs.
const attempts = 5

func (o *owner) commit(ctx context.Context, l tidemill.Landing) (tidemill.Receipt, error) {
	if err := o.take(ctx); err != nil {
		return tidemill.Receipt{}, err
	}
	defer o.give()
	for i := 1; ; i++ {
		r, err := o.writer.commit(ctx, l)
		if err == nil {
			return r, nil
		}
		r, found, err := o.outcome(ctx, l, err)
		if found {
			return r, nil
		}
		if o.worthAnother(ctx, err) && i < attempts {
			continue
		}
		return tidemill.Receipt{}, fmt.Errorf("commit batch %s: %w", l.Batch, err)
	}
}

// worthAnother reports whether what ended with err may succeed at once.
func (o *owner) worthAnother(ctx context.Context, err error) bool {
	return ctx.Err() == nil && (conflict(err) || o.instance != nil && o.instance.budget.lift(ctx, err))
}

// outcome finds out what became of a commit that ended with err: the database
// is opened anew where the engine has given it up, and the ledger is asked
// where COMMIT itself failed. It returns the error that is left.
func (o *owner) outcome(ctx context.Context, l tidemill.Landing, err error) (tidemill.Receipt, bool, error) {
	ctx = context.WithoutCancel(ctx)
	var unknown *commitError
	isUnknown := errors.As(err, &unknown)
	if invalidated(err) {
		if again := o.reopen(ctx); again != nil {
			return tidemill.Receipt{}, false, errors.Join(err, again)
		}
	}
	if !isUnknown {
		return tidemill.Receipt{}, false, err
	}
	r, found, asked := o.writer.committed(ctx, l)
	if asked != nil {
		return r, false, errors.Join(err, asked)
	}
	r.Repeated = false // it was this call that did it
	return r, found, err
}

func (o *owner) evolve(ctx context.Context, t tidemill.Table, want *arrow.Schema) (*arrow.Schema, error) {
	if err := o.take(ctx); err != nil {
		return nil, err
	}
	defer o.give()
	for i := 1; ; i++ {
		s, err := o.writer.evolve(ctx, t, want)
		if o.worthAnother(ctx, err) && i < attempts {
			continue
		}
		if invalidated(err) {
			_ = o.reopen(context.WithoutCancel(ctx)) // the next call says why not
		}
		return s, err
	}
}

func (o *owner) ledger(ctx context.Context, pipeline string) (tidemill.Ledger, error) {
	if err := o.take(ctx); err != nil {
		return tidemill.Ledger{}, err
	}
	defer o.give()
	for i := 1; ; i++ {
		l, err := readLedger(ctx, o.writer.conn, pipeline)
		if err == nil || i == attempts || !o.worthAnother(ctx, err) {
			return l, err
		}
	}
}

func (o *owner) session(ctx context.Context) (tidemill.Session, error) {
	if err := o.take(ctx); err != nil {
		return nil, err
	}
	defer o.give()
	leave, err := o.instance.budget.enter(ctx)
	if err != nil {
		return nil, err
	}
	c, err := o.instance.connect(ctx)
	if err != nil {
		leave()
		return nil, err
	}
	return &session{conn: c, leave: leave}, nil
}

// close waits for the commit that is under way.
func (o *owner) close() {
	<-o.turn
	o.closed = true
	if o.instance != nil {
		o.instance.close()
		o.instance, o.writer = nil, nil
	}
	o.give()
}
