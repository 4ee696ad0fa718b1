package duckdb

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"

	"github.com/tidemill/tidemill"
)

// remoteSession is a session at the owner.
type remoteSession struct {
	link   *link
	log    *slog.Logger
	reader *remoteRows
}

func (s *remoteSession) call(ctx context.Context, q request) (response, error) {
	if err := s.finish(); err != nil {
		return response{}, err
	}
	return s.link.call(ctx, q, nil)
}

func (s *remoteSession) Begin(ctx context.Context) error {
	_, err := s.call(ctx, request{Op: opBegin})
	return err
}

func (s *remoteSession) Commit(ctx context.Context) error {
	_, err := s.call(context.WithoutCancel(ctx), request{Op: opCommit})
	return err
}

func (s *remoteSession) Rollback(ctx context.Context) error {
	_, err := s.call(context.WithoutCancel(ctx), request{Op: opRollback})
	return err
}

func (s *remoteSession) Exec(ctx context.Context, sql string, args ...any) (int64, error) {
	if err := supported(args); err != nil {
		return 0, err
	}
	begun := time.Now()
	r, err := s.call(ctx, request{Op: opExec, SQL: sql, Args: toWireArgs(args)})
	trace(ctx, s.log, sql, begun, err)
	return r.Rows, err
}

func (s *remoteSession) Query(ctx context.Context, sql string, args ...any) (array.RecordReader, error) {
	if err := supported(args); err != nil {
		return nil, err
	}
	if err := s.finish(); err != nil {
		return nil, err
	}
	begun := time.Now()
	r, err := s.query(ctx, request{Op: opQuery, SQL: sql, Args: toWireArgs(args)})
	trace(ctx, s.log, sql, begun, err)
	if err != nil {
		return nil, err
	}
	s.reader = r
	return r, nil
}

func (s *remoteSession) query(ctx context.Context, q request) (*remoteRows, error) {
	done, err := s.link.start(ctx, q, nil)
	if err != nil {
		return nil, err
	}
	first, err := s.link.receive()
	if err != nil {
		done()
		return nil, s.link.fail(err)
	}
	if first.kind == frameResponse {
		done()
		_, err := s.link.decode(ctx, first)
		if err == nil {
			err = s.link.fail(errProtocol)
		}
		return nil, err
	}
	data := &dataReader{next: s.link.after(first)}
	rows, err := ipc.NewReader(data)
	if err != nil {
		done()
		return nil, s.link.fail(err)
	}
	return &remoteRows{ctx: ctx, link: s.link, done: done, data: data, rows: rows, refs: 1}, nil
}

// finish reads what is left of the query before.
func (s *remoteSession) finish() error {
	if s.link.broken {
		return errGone
	}
	if s.reader == nil {
		return nil
	}
	r := s.reader
	s.reader = nil
	r.end(true)
	if s.link.broken {
		return errGone
	}
	return nil
}

func (s *remoteSession) Close() error {
	if s.reader != nil {
		s.reader.end(true)
	}
	s.link.Close() // which rolls back
	return nil
}

// remoteRows reads the rows of a query from the owner.
type remoteRows struct {
	ctx   context.Context
	link  *link
	done  func()
	data  *dataReader
	rows  *ipc.Reader
	refs  int
	ended bool
	err   error
}

func (r *remoteRows) Schema() *arrow.Schema { return r.rows.Schema() }
func (r *remoteRows) Retain()               { r.refs++ }
func (r *remoteRows) Err() error            { return r.err }

func (r *remoteRows) RecordBatch() arrow.RecordBatch { return r.rows.RecordBatch() }
func (r *remoteRows) Record() arrow.RecordBatch      { return r.rows.RecordBatch() }

func (r *remoteRows) Next() bool {
	if r.ended {
		return false
	}
	if r.rows.Next() {
		return true
	}
	r.end(false)
	return false
}

// Release gives up what was not read.
func (r *remoteRows) Release() {
	if r.refs--; r.refs > 0 {
		return
	}
	r.end(true)
	r.rows.Release()
}

// end reads the rest of the stream and the response. With early the query is
// given up, and that it was is no error.
func (r *remoteRows) end(early bool) {
	if r.ended {
		return
	}
	r.ended = true
	defer r.done()
	if early {
		r.link.giveUp(r.link.number)
	}
	failed := r.rows.Err()
	if err := r.data.drain(); err != nil {
		r.err = lost(r.ctx, r.link.fail(err))
		return
	}
	f, err := r.link.receive()
	if err != nil {
		r.err = lost(r.ctx, r.link.fail(err))
		return
	}
	ctx := r.ctx
	if early { // our own cancel comes back
		var stop context.CancelFunc
		ctx, stop = context.WithCancel(ctx)
		stop()
	}
	if _, err := r.link.decode(ctx, f); err != nil && !early {
		failed = lost(r.ctx, err)
	}
	if !early {
		r.err = failed
	}
}

// lost makes a lost connection an error that callers understand.
func lost(ctx context.Context, err error) error {
	if errors.Is(err, errGone) {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return errBroken
	}
	return err
}

var _ tidemill.Session = (*remoteSession)(nil)
