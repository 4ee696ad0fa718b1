package duckdb

import (
	"context"
	"errors"

	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/tidemill/tidemill"
)

// session is a tidemill.Session on a connection of this process.
type session struct {
	conn   *conn
	leave  func() // gives the engine's room back
	open   bool   // a transaction
	reader *result
}

var errNoTransaction = &tidemill.Error{Code: tidemill.Invalid, Err: errors.New("no transaction is open")}

// Begin is not interrupted by ctx: it would fail and yet have begun.
func (s *session) Begin(ctx context.Context) error {
	if s.open {
		return &tidemill.Error{Code: tidemill.Invalid, Err: errors.New("a transaction is open already")}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if _, err := s.Exec(context.WithoutCancel(ctx), "BEGIN TRANSACTION"); err != nil {
		return err
	}
	s.open = true
	return nil
}

// Commit is not interrupted by ctx, so that its outcome is known.
func (s *session) Commit(ctx context.Context) error {
	if !s.open {
		return errNoTransaction
	}
	s.open = false
	_, err := s.Exec(context.WithoutCancel(ctx), "COMMIT")
	if err != nil {
		_, _ = s.Exec(context.WithoutCancel(ctx), "ROLLBACK") // nothing may stay open
	}
	return err
}

// Rollback works also when ctx is done.
func (s *session) Rollback(ctx context.Context) error {
	if !s.open {
		return errNoTransaction
	}
	s.open = false
	_, err := s.Exec(context.WithoutCancel(ctx), "ROLLBACK")
	return err
}

func (s *session) Exec(ctx context.Context, sql string, args ...any) (int64, error) {
	s.finish()
	if err := supported(args); err != nil {
		return 0, err
	}
	return s.conn.exec(ctx, sql, args...)
}

func (s *session) Query(ctx context.Context, sql string, args ...any) (array.RecordReader, error) {
	s.finish()
	if err := supported(args); err != nil {
		return nil, err
	}
	r, err := s.conn.query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	r.Retain() // until the next call, in case the caller does not release it
	s.reader = r
	return r, nil
}

// finish gives up the result of the query before.
func (s *session) finish() {
	if s.reader != nil {
		s.reader.Release()
		s.reader = nil
	}
}

// Close rolls back: the engine does so when a connection ends.
func (s *session) Close() error {
	s.finish()
	s.conn.close()
	s.leave()
	return nil
}
