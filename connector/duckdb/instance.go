package duckdb

import (
	"context"
	"database/sql/driver"
	"log/slog"
	"net/url"
	"sync"
	"time"

	"github.com/duckdb/duckdb-go/v2"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/internal/redact"
	"github.com/tidemill/tidemill/sqlgen"
)

// views is the attached in-memory database in which Arrow views are
// registered: a view of a pointer must never reach the file or its log.
const views = "tidemill_arrow"

// instance is one open database and its connections.
type instance struct {
	path      string
	use       string // the statement with which connections begin; "" for none
	connector *duckdb.Connector
	budget    *budget
	log       *slog.Logger // of statements; nil for none

	mu     sync.Mutex
	conns  map[*conn]struct{}
	closed bool
}

// openInstance opens the database at path, which is absolute or inMemory.
func openInstance(ctx context.Context, path string, cfg Connection, log *slog.Logger) (*instance, error) {
	connector, err := duckdb.NewConnector(dsn(path, cfg), nil)
	if err != nil {
		return nil, openError(path, err)
	}
	in := &instance{path: path, connector: connector, log: log, conns: map[*conn]struct{}{}}
	if err := in.setUp(ctx, cfg); err != nil {
		in.close()
		return nil, err
	}
	return in, nil
}

// setUp attaches the file and makes the settings.
func (in *instance) setUp(ctx context.Context, cfg Connection) error {
	c, err := in.connect(ctx)
	if err != nil {
		return openError(in.path, err)
	}
	for _, s := range cfg.statements() {
		if _, err := c.exec(ctx, s); err != nil {
			return &tidemill.Error{
				Code: tidemill.Invalid, Op: "open " + in.path, Err: err,
				Hint: "look at settings of the connection: SELECT * FROM duckdb_settings() lists their names",
			}
		}
	}
	if in.path != inMemory {
		attach, use, err := attachment(in.path, databaseName(in.path))
		if err != nil {
			return openError(in.path, err)
		}
		if _, err := c.raw.ExecContext(ctx, attach, nil); err != nil {
			return openError(in.path, err)
		}
		in.use = use
	}
	in.budget, err = newBudget(ctx, c)
	return err
}

// dsn carries the settings that must be there from the start. The file is
// attached after it: the size of its row groups can be given only then.
func dsn(path string, cfg Connection) string {
	q := url.Values{}
	// UUID, JSON and 128-bit integers then keep their types in Arrow.
	q.Set("arrow_lossless_conversion", "true")
	for name, value := range cfg.options(path) {
		q.Set(name, value)
	}
	return "?" + q.Encode()
}

// connect opens another connection of the instance.
func (in *instance) connect(ctx context.Context) (*conn, error) {
	raw, err := in.connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	a, err := duckdb.NewArrowFromConn(raw)
	if err != nil {
		return nil, err
	}
	c := &conn{in: in, raw: raw.(*duckdb.Conn), arrow: a}
	if in.use != "" {
		if _, err := c.raw.ExecContext(ctx, in.use, nil); err != nil {
			_ = raw.Close()
			return nil, sqlError(ctx, in.path, err)
		}
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.closed {
		_ = raw.Close()
		return nil, errBroken
	}
	in.conns[c] = struct{}{}
	return c, nil
}

// close closes all connections and the database. It waits for statements
// that are under way.
func (in *instance) close() {
	in.mu.Lock()
	in.closed = true
	conns := in.conns
	in.conns = nil
	in.mu.Unlock()
	for c := range conns {
		c.close()
	}
	_ = in.connector.Close() // never fails
}

// conn is one connection. Its methods may be called from several goroutines,
// but run one after the other.
type conn struct {
	in *instance

	mu    sync.Mutex // held while a statement runs
	raw   *duckdb.Conn
	arrow *duckdb.Arrow
	done  bool
}

func (c *conn) close() {
	c.in.mu.Lock()
	delete(c.in.conns, c)
	c.in.mu.Unlock()
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.done {
		c.done = true
		_ = c.raw.Close() // fails only where it was closed before
	}
}

// exec runs sql and returns the number of rows that it changed.
func (c *conn) exec(ctx context.Context, sql string, args ...any) (int64, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.done {
		return 0, errBroken
	}
	begun := time.Now()
	r, err := c.raw.ExecContext(ctx, sql, bind(args))
	trace(ctx, c.in.log, sql, begun, err)
	if err != nil {
		return 0, sqlError(ctx, c.in.path, err)
	}
	return r.RowsAffected()
}

// rows runs sql and returns its whole result, which must be small.
func (c *conn) rows(ctx context.Context, sql string, args ...any) (result [][]driver.Value, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.done {
		return nil, errBroken
	}
	begun := time.Now()
	r, err := c.raw.QueryContext(ctx, sql, bind(args))
	trace(ctx, c.in.log, sql, begun, err)
	if err != nil {
		return nil, sqlError(ctx, c.in.path, err)
	}
	defer r.Close()
	for {
		row := make([]driver.Value, len(r.Columns()))
		switch err := r.Next(row); {
		case isEOF(err):
			return result, nil
		case err != nil:
			return nil, sqlError(ctx, c.in.path, err)
		}
		result = append(result, row)
	}
}

// query runs sql and returns its result, which the caller releases.
func (c *conn) query(ctx context.Context, sql string, args ...any) (*result, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.done {
		return nil, errBroken
	}
	begun := time.Now()
	values := make([]any, len(args))
	for i, v := range bind(args) {
		values[i] = v.Value
	}
	r, err := c.arrow.QueryContext(ctx, sql, values...)
	trace(ctx, c.in.log, sql, begun, err)
	if err != nil {
		return nil, sqlError(ctx, c.in.path, err)
	}
	return newResult(c, r), nil
}

// run renders and executes a statement of ours.
func (c *conn) run(ctx context.Context, s sqlgen.Statement, args ...any) (int64, error) {
	sql, err := sqlgen.Render(tidemill.DuckDB, s)
	if err != nil {
		return 0, err
	}
	return c.exec(ctx, sql, args...)
}

// find renders and queries a statement of ours whose result is small.
func (c *conn) find(ctx context.Context, s sqlgen.Statement, args ...any) ([][]driver.Value, error) {
	sql, err := sqlgen.Render(tidemill.DuckDB, s)
	if err != nil {
		return nil, err
	}
	return c.rows(ctx, sql, args...)
}

// trace logs a statement, never the values of its arguments.
func trace(ctx context.Context, log *slog.Logger, sql string, begun time.Time, err error) {
	if log == nil {
		return
	}
	attrs := []slog.Attr{slog.Duration("duration", time.Since(begun)), slog.String("sql", redact.Text(sql))}
	if err != nil {
		attrs = append(attrs, slog.String("error", redact.Text(err.Error())))
	}
	log.LogAttrs(ctx, slog.LevelInfo, "statement", attrs...)
}

// bind gives arguments the types that SQL alone does not tell.
func bind(args []any) []driver.NamedValue {
	values := make([]driver.NamedValue, len(args))
	for i, a := range args {
		switch v := a.(type) {
		case tidemill.ID:
			id := duckdb.UUID(v)
			a = &id
		case time.Time:
			a = duckdb.Typed(v.UTC(), duckdb.TYPE_TIMESTAMP_TZ)
		}
		values[i] = driver.NamedValue{Ordinal: i + 1, Value: a}
	}
	return values
}
