package postgres

import (
	"context"
	"sync/atomic"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/connector/postgres/column"
)

// rowReader streams a result as records of bounded size. Rows with a value
// that has no place in its column become dead letters.
type rowReader struct {
	table  *table
	result *pgconn.ResultReader
	build  *column.Builder
	rec    arrow.RecordBatch
	rows   int
	bytes  int64
	dead   func(tidemill.DeadLetter)
	err    error
	refs   atomic.Int64
}

var _ array.RecordReader = (*rowReader)(nil)

// stream runs a SELECT of t's columns, in their order.
func (t *table) stream(ctx context.Context, conn *pgconn.PgConn, sql string, rows int, bytes int64, dead func(tidemill.DeadLetter)) (*rowReader, error) {
	build, err := column.NewBuilder(t.columns)
	if err != nil {
		return nil, err
	}
	r := &rowReader{table: t, build: build, rows: rows, bytes: bytes, dead: dead}
	r.refs.Store(1)
	r.result = conn.ExecParams(ctx, sql, nil, nil, nil, []int16{1})
	return r, nil
}

func (r *rowReader) Schema() *arrow.Schema          { return r.build.Schema() }
func (r *rowReader) RecordBatch() arrow.RecordBatch { return r.rec }
func (r *rowReader) Record() arrow.RecordBatch      { return r.rec }
func (r *rowReader) Err() error                     { return r.err }
func (r *rowReader) Retain()                        { r.refs.Add(1) }
func (r *rowReader) Release() {
	if r.refs.Add(-1) > 0 {
		return
	}
	r.drop()
	r.build.Release()
	if r.result != nil {
		_, _ = r.result.Close() // what it says was told by Err
		r.result = nil
	}
}

func (r *rowReader) drop() {
	if r.rec != nil {
		r.rec.Release()
		r.rec = nil
	}
}

// Next gathers the next rows.
func (r *rowReader) Next() bool {
	r.drop()
	if r.result == nil || r.err != nil {
		return false
	}
	for seen := 0; seen < r.rows && r.build.Size() < r.bytes; seen++ {
		if !r.result.NextRow() {
			_, r.err = r.result.Close()
			r.result = nil
			break
		}
		r.row(r.result.Values())
	}
	if r.err != nil || r.build.Len() == 0 && r.result == nil {
		return false
	}
	r.rec = r.build.Record()
	return true
}

func (r *rowReader) row(fields [][]byte) {
	for i, v := range fields {
		if err := r.build.Append(i, v); err != nil {
			r.build.Reject()
			r.dead(letter(r.table, fields, err))
			return
		}
	}
}
