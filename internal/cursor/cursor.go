// Package cursor reads the rows of a query whose cursor column has grown
// since they were last read, in any SQL dialect. No row is lost and none
// comes twice, under these terms:
//
//   - A row comes again when its cursor has grown, and only then.
//   - A row that is committed later than one with a higher cursor is found if
//     its cursor is younger than the lag at that time: the lag is to be longer
//     than the transactions that write the rows. Without a lag, such a row is
//     found only if its cursor equals the highest one that was read.
//   - Rows that share a cursor value are told apart by the key, or without one
//     by all of their columns; equal rows are counted. The identities of up to
//     4,096 rows of the last value are kept in the position. Where more share
//     one value, the rows of it are read in the order of the key, and a row
//     that appears later with a smaller key is not found; without a key that
//     is an error.
//   - Rows without a cursor value are read with every scan, before the
//     others, and told apart in the same way.
//
// The package makes the SQL and keeps the position; running the SQL is the
// caller's.
package cursor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/internal/ident"
)

// most is how many rows of one cursor value are told apart one by one.
const most = 4096

// Query is what is read.
type Query struct {
	Dialect tidemill.Dialect
	From    string   // what stands after FROM, quoted, with the alias q: a table AS q, or (SELECT ...) AS q
	List    string   // what stands after SELECT, quoted; "" is *
	Cursor  string   // column
	Key     []string // columns that identify a row; nil if none are known
	Lag     time.Duration
}

// Run runs a SELECT. The records that it returns have the columns Cursor and
// Key; each is to be of bounded size.
type Run func(ctx context.Context, sql string) (array.RecordReader, error)

// Reader reads a Query scan by scan. It is not safe for concurrent use.
type Reader struct {
	query Query
	run   Run
	at    position
	phase phase
	open  array.RecordReader
	prior group  // what the scan began behind
	skip  counts // of prior: rows that are still to be passed over
}

// phase is what of a scan is being read.
type phase int

const (
	idle phase = iota
	nulls
	values
)

// ErrTies says that too many rows without key share a cursor value.
var ErrTies = errors.New("over 4,096 rows share one value of the cursor, and there is no key to tell them apart")

// NewReader returns a Reader that goes on behind a position that Next
// returned; an empty one begins.
func NewReader(q Query, run Run, from tidemill.Position) (*Reader, error) {
	r := &Reader{query: q, run: run}
	if len(from) == 0 {
		return r, nil
	}
	if err := json.Unmarshal(from, &r.at); err != nil {
		return nil, fmt.Errorf("parse position of a cursor: %w", err)
	}
	return r, nil
}

// Next returns the next rows of a scan, which the caller releases, and the
// position behind them. At the end of a scan it returns io.EOF; the call
// after that begins another. After another error the next call goes on behind
// the last rows that were returned.
func (r *Reader) Next(ctx context.Context) (arrow.RecordBatch, tidemill.Position, error) {
	for {
		if r.open == nil {
			if err := r.advance(ctx); err != nil {
				return nil, nil, err
			}
		}
		if !r.open.Next() {
			err := r.open.Err()
			r.release()
			if err != nil {
				r.phase = max(r.phase-1, idle) // the same part again
				return nil, nil, err
			}
			continue
		}
		rec := r.open.RecordBatch()
		fresh, err := r.take(rec)
		if err != nil {
			r.Close()
			return nil, nil, err
		}
		if fresh == nil {
			continue
		}
		to, err := json.Marshal(r.at)
		if err != nil {
			fresh.Release()
			return nil, nil, fmt.Errorf("write position of a cursor: %w", err)
		}
		return fresh, to, nil
	}
}

// Close ends the scan under way.
func (r *Reader) Close() {
	r.release()
	r.phase = idle
}

func (r *Reader) release() {
	if r.open != nil {
		r.open.Release()
		r.open = nil
	}
}

// advance runs the statement of the next part of the scan.
func (r *Reader) advance(ctx context.Context) error {
	switch r.phase {
	case idle:
		r.phase, r.prior = nulls, r.at.Null
	case nulls:
		r.phase, r.prior = values, r.at.Last
	default:
		r.phase = idle
		return io.EOF
	}
	r.skip = r.prior.counts()
	sql, err := r.sql()
	if err == nil {
		r.open, err = r.run(ctx, sql)
	}
	if err != nil {
		r.phase--
	}
	return err
}

// sql returns the statement of the phase.
func (r *Reader) sql() (string, error) {
	q := r.query
	column, err := ident.Quote(q.Dialect, q.Cursor)
	if err != nil {
		return "", err
	}
	column = "q." + column
	keys := make([]string, len(q.Key))
	for i, k := range q.Key {
		if keys[i], err = ident.Quote(q.Dialect, k); err != nil {
			return "", err
		}
		keys[i] = "q." + keys[i]
	}
	where, err := r.where(column, keys)
	if err != nil {
		return "", err
	}
	order := keys
	if r.phase == values {
		order = append([]string{column}, keys...)
	}
	list := q.List
	if list == "" {
		list = "*"
	}
	sql := "select " + list + " from " + q.From + " where " + where
	if len(order) > 0 {
		sql += " order by " + strings.Join(order, ", ")
	}
	return sql, nil
}

// where returns the condition of the phase.
func (r *Reader) where(column string, keys []string) (string, error) {
	g := r.prior
	behind := "" // the key of the last row, where rows are not told apart one by one
	if len(g.After) > 0 {
		bound, err := r.literals(g.After)
		if err != nil {
			return "", err
		}
		behind = r.behind(keys, bound)
	}
	if r.phase == nulls {
		if behind != "" {
			return column + " is null and " + behind, nil
		}
		return column + " is null", nil
	}
	where := column + " is not null"
	if g.Value != nil {
		v, err := ident.Literal(r.query.Dialect, *g.Value)
		if err != nil {
			return "", err
		}
		where = column + " >= " + v
		if behind != "" {
			where = "(" + column + " > " + v + " or " + column + " = " + v + " and " + behind + ")"
		}
	}
	if r.query.Lag > 0 {
		where += fmt.Sprintf(" and %s <= now() - interval '%d microseconds'", column, r.query.Lag.Microseconds())
	}
	return where, nil
}

// behind returns the condition that keys come after values in their order.
// PostgreSQL compares rows by an index, and gives literals the types of their
// columns; other engines do the latter for one column at a time only.
func (r *Reader) behind(keys, values []string) string {
	if r.query.Dialect == tidemill.Postgres {
		return "(" + strings.Join(keys, ", ") + ") > (" + strings.Join(values, ", ") + ")"
	}
	last := len(keys) - 1
	condition := keys[last] + " > " + values[last]
	for i := last - 1; i >= 0; i-- {
		condition = keys[i] + " > " + values[i] + " or " + keys[i] + " = " + values[i] + " and (" + condition + ")"
	}
	return "(" + condition + ")"
}

func (r *Reader) literals(values []string) ([]string, error) {
	all := make([]string, len(values))
	for i, v := range values {
		var err error
		if all[i], err = ident.Literal(r.query.Dialect, v); err != nil {
			return nil, err
		}
	}
	return all, nil
}
