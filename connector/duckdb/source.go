package duckdb

import (
	"context"
	"errors"
	"io"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/internal/cursor"
	"github.com/tidemill/tidemill/internal/ident"
	"github.com/tidemill/tidemill/internal/retry"
	"github.com/tidemill/tidemill/project"
)

// Options is what a pipeline reads of a database: the rows of a table or a
// query whose cursor column has grown since they were last read. Package
// internal/cursor says what becomes of rows that share a value, have none, or
// come late.
type Options struct {
	Table  string        `yaml:"table" doc:"Table or view to read, as schema.name."`
	Query  string        `yaml:"query" doc:"SELECT to read in the place of a table, with the cursor column in its result."`
	Name   string        `yaml:"name" doc:"Name of the stream that query makes." default:"query"`
	Key    []string      `yaml:"key" doc:"Columns that identify a row."`
	Cursor string        `yaml:"cursor" doc:"Column that grows with every change of a row, such as updated_at, _landed_at or a serial id." required:"true"`
	Lag    time.Duration `yaml:"lag" doc:"Rows whose cursor is younger are left for the next time: longer than the longest transaction that writes them. The cursor must be a time." default:"0s"`
	Poll   time.Duration `yaml:"poll" doc:"Wait between two reads." default:"10s"`
}

// Records reports that the source gives typed rows.
func (Options) Records() bool { return true }

// Validate says what makes no sense together.
func (o Options) Validate() error {
	switch {
	case (o.Table == "") == (o.Query == ""):
		return &project.FieldError{Field: "table", Err: errors.New("one of table and query is read"), Hint: "write table: schema.name, or query: SELECT ..."}
	case o.Lag < 0:
		return &project.FieldError{Field: "lag", Err: errors.New("it is negative"), Hint: "write it as 5m"}
	case o.Poll < 0:
		return &project.FieldError{Field: "poll", Err: errors.New("it is negative"), Hint: "write it as 10s"}
	}
	return nil
}

// Source reads a database by a cursor. It implements tidemill.Source and
// tidemill.Drainer. Like every user of the file it shares it with the process
// that has it open. Its tokens are nil: the marks are all that tells where to
// go on. Memory is a few vectors of 2,048 rows.
type Source struct {
	conn Connection
	opts Options
	env  tidemill.Env

	warehouse *Warehouse
	session   tidemill.Session
	reader    *cursor.Reader
	mark      tidemill.Position
	bounded   bool
}

var (
	_ tidemill.Source  = (*Source)(nil)
	_ tidemill.Drainer = (*Source)(nil)
)

// NewSource returns a source that has not opened the file yet.
func NewSource(conn Connection, opts Options, env tidemill.Env) *Source {
	return &Source{conn: conn, opts: opts, env: env}
}

// stream is the name of what is read.
func (o Options) stream() string {
	switch {
	case o.Table != "":
		return o.Table
	case o.Name != "":
		return o.Name
	}
	return "query"
}

// from is what stands after FROM, with the alias that package cursor wants.
func (o Options) from() (string, error) {
	if o.Query != "" {
		return "(\n" + strings.TrimRight(strings.TrimSpace(o.Query), ";") + "\n) AS q", nil
	}
	name, err := ident.ParseTable(o.Table)
	if err != nil {
		return "", err
	}
	quoted, err := ident.Table(tidemill.DuckDB, name)
	return quoted + " AS q", err
}

// Open opens the database and sets the cursor behind its mark.
func (s *Source) Open(ctx context.Context, from []tidemill.Mark) error {
	for _, m := range from {
		if m.Scope == s.opts.stream() {
			s.mark = m.To
		}
	}
	name, err := s.opts.from()
	if err != nil {
		return &tidemill.Error{Code: tidemill.Invalid, Op: "read " + s.opts.stream(), Err: err, Hint: "write table as schema.name"}
	}
	q := cursor.Query{Dialect: tidemill.DuckDB, From: name, Cursor: s.opts.Cursor, Key: s.opts.Key, Lag: s.opts.Lag}
	if s.reader, err = cursor.NewReader(q, s.run, s.mark); err != nil {
		return &tidemill.Error{
			Code: tidemill.Invalid, Op: "read " + s.opts.stream(), Err: err,
			Hint: "the ledger was written by another kind of source: use that, or name the pipeline anew",
		}
	}
	if s.warehouse, err = Open(ctx, s.conn, s.env); err != nil {
		return err
	}
	s.session, err = s.warehouse.Session(ctx)
	return err
}

// run queries the open session.
func (s *Source) run(ctx context.Context, sql string) (array.RecordReader, error) {
	return s.session.Query(ctx, sql)
}

// Drain makes the source end with the scan under way.
func (s *Source) Drain(context.Context) error {
	s.bounded = true
	return nil
}

// Read returns the next rows of a scan. At its end it waits and begins
// another, or ends where it was drained.
func (s *Source) Read(ctx context.Context) (tidemill.Batch, error) {
	for {
		rec, to, err := s.reader.Next(ctx)
		switch {
		case ctx.Err() != nil:
			if rec != nil {
				rec.Release()
			}
			return tidemill.Batch{}, context.Cause(ctx)
		case errors.Is(err, io.EOF) && s.bounded:
			return tidemill.Batch{}, io.EOF
		case errors.Is(err, io.EOF):
			if err := retry.Sleep(ctx, s.poll()); err != nil {
				return tidemill.Batch{}, err
			}
			continue
		case errors.Is(err, cursor.ErrTies):
			return tidemill.Batch{}, s.wrap(err, "choose a finer cursor, or set key")
		case err != nil:
			return tidemill.Batch{}, s.wrap(err, "")
		}
		b := tidemill.Batch{
			Parts: []tidemill.Part{{Stream: s.opts.stream(), Key: s.opts.Key, Records: rec}},
			Marks: []tidemill.Mark{{Scope: s.opts.stream(), From: s.mark, To: to}},
		}
		s.mark = to
		return b, nil
	}
}

func (s *Source) wrap(err error, hint string) error {
	return &tidemill.Error{Op: "read " + s.opts.stream(), Err: err, Hint: hint}
}

func (s *Source) poll() time.Duration {
	if s.opts.Poll <= 0 {
		return 10 * time.Second
	}
	return s.opts.Poll
}

// Ack does nothing.
func (s *Source) Ack(context.Context, any) error { return nil }

// Close ends the scan and gives the file back.
func (s *Source) Close() error {
	if s.reader != nil {
		s.reader.Close()
	}
	var err error
	if s.session != nil {
		err = s.session.Close()
		s.session = nil
	}
	if s.warehouse != nil {
		err = errors.Join(err, s.warehouse.Close())
		s.warehouse = nil
	}
	return err
}
