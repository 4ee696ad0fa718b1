package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/jackc/pgx/v5"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/internal/cursor"
	"github.com/tidemill/tidemill/internal/retry"
)

func scopeCursor(t *table) string { return t.name.String() + "/cursor" }

// incremental reads tables or a query by their cursor, scan after scan.
type incremental struct {
	server *server
	opts   Options
	log    *slog.Logger
	rows   int
	bytes  int64
	marks  map[string]tidemill.Position
	meter  *meter

	// The connection's own context: a Read that is given up breaks it, one
	// that returns does not.
	ctx     context.Context
	cancel  context.CancelFunc
	conn    *pgx.Conn // nil while disconnected
	feeds   []*feed
	at      int // the feed that is being read
	bounded bool
}

// feed is one table.
type feed struct {
	table  *table
	reader *cursor.Reader
	dead   []tidemill.DeadLetter
}

// connect finds the tables and sets each behind its mark.
func (r *incremental) connect(ctx context.Context) error {
	conn, err := r.server.connect(ctx)
	if err != nil {
		return err
	}
	tables, err := r.server.find(ctx, conn, r.opts)
	if err == nil {
		err = r.server.haveCursor(tables, r.opts)
	}
	var feeds []*feed
	for _, t := range tables {
		if err != nil {
			break
		}
		f := &feed{table: t}
		q := cursor.Query{Dialect: tidemill.Postgres, From: t.from(), List: t.list(), Cursor: r.opts.Cursor, Key: t.key, Lag: r.opts.Lag}
		run := func(_ context.Context, sql string) (array.RecordReader, error) {
			return t.stream(r.ctx, r.conn.PgConn(), sql, r.rows, r.bytes, func(l tidemill.DeadLetter) { f.dead = append(f.dead, l) })
		}
		if f.reader, err = cursor.NewReader(q, run, r.marks[scopeCursor(t)]); err != nil {
			err = &tidemill.Error{Code: tidemill.Invalid, Op: "read " + t.name.String(), Err: err, Hint: "the ledger was written by another version or kind of source: use that, or name the pipeline anew"}
		}
		feeds = append(feeds, f)
	}
	if err != nil {
		closeConn(conn)
		return err
	}
	r.ctx, r.cancel = context.WithCancel(context.WithoutCancel(ctx))
	r.conn, r.feeds = conn, feeds
	if r.at > len(feeds) {
		r.at = 0
	}
	return nil
}

// haveCursor looks for the cursor column in every table.
func (s *server) haveCursor(tables []*table, opts Options) error {
	for _, t := range tables {
		c := t.column(opts.Cursor)
		if c == nil {
			return s.wrap(tidemill.NotFound, fmt.Errorf("%s has no column %q", t.name, opts.Cursor), "cursor names a column of every table that is read; leave others out with exclude")
		}
		if kind := c.Field().Type.ID(); opts.Lag > 0 && kind != arrow.TIMESTAMP && kind != arrow.DATE32 {
			return s.wrap(tidemill.Invalid, fmt.Errorf("column %q of %s is no time, which lag is for", opts.Cursor, t.name), "remove lag, or choose a cursor of type timestamptz")
		}
	}
	return nil
}

// list returns the select list of all columns.
func (t *table) list() string {
	all := make([]string, len(t.columns))
	for i, c := range t.columns {
		all[i] = c.Select("q."+quoted(c.Name)) + " as " + quoted(c.Name)
	}
	return strings.Join(all, ", ")
}

// next returns the next rows of a scan. At the end of a scan of all tables it
// waits, or ends where it was drained.
func (r *incremental) next(ctx context.Context) (tidemill.Batch, error) {
	for {
		if r.conn != nil && r.ctx.Err() != nil {
			r.disconnect()
		}
		if r.conn == nil {
			if err := r.connect(ctx); err != nil {
				return tidemill.Batch{}, err
			}
		}
		if r.at == len(r.feeds) {
			if r.bounded {
				return tidemill.Batch{}, io.EOF
			}
			if err := retry.Sleep(ctx, r.opts.Poll); err != nil {
				return tidemill.Batch{}, err
			}
			r.at = 0
		}
		b, err := r.read(ctx, r.feeds[r.at])
		if errors.Is(err, io.EOF) {
			r.at++
			err = nil
		}
		if err != nil || len(b.Marks)+len(b.Dead) > 0 {
			return b, err
		}
	}
}

// read returns the next rows of one table, or its dead letters with io.EOF.
func (r *incremental) read(ctx context.Context, f *feed) (tidemill.Batch, error) {
	stop := context.AfterFunc(ctx, r.cancel)
	rec, to, err := f.reader.Next(ctx)
	stop()
	b := tidemill.Batch{Dead: f.dead}
	f.dead = nil
	switch {
	case errors.Is(err, io.EOF):
		return b, err
	case errors.Is(err, cursor.ErrTies):
		return tidemill.Batch{}, r.server.wrap(tidemill.Invalid, fmt.Errorf("read %s: %w", f.table.name, err), "choose a finer cursor, give the table a primary key, or set key beside query")
	case err != nil:
		r.disconnect()
		return tidemill.Batch{}, r.server.explain(err)
	}
	scope := scopeCursor(f.table)
	b.Marks = []tidemill.Mark{{Scope: scope, From: r.marks[scope], To: to}}
	r.marks[scope] = to
	r.meter.add(rec.NumRows())
	if r.opts.Message.Value != "" {
		defer rec.Release()
		b.Messages, err = r.opts.Message.messages(f.table, rec)
		return b, err
	}
	b.Parts = []tidemill.Part{{Stream: f.table.name.String(), Key: f.table.key, Records: rec}}
	return b, nil
}

func (r *incremental) disconnect() {
	if r.conn == nil {
		return
	}
	r.cancel()
	for _, f := range r.feeds {
		f.reader.Close()
	}
	closeConn(r.conn)
	r.conn = nil
}

func (r *incremental) drain() { r.bounded = true }

func (r *incremental) close() error {
	r.disconnect()
	return nil
}
