package postgres

import (
	"context"
	"errors"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/connector/postgres/replica"
)

// changes is the reader of mode cdc.
type changes struct{ source *replica.Source }

func (c changes) next(ctx context.Context) (tidemill.Batch, error) { return c.source.Read(ctx) }
func (c changes) drain()                                           {}
func (c changes) close() error                                     { return c.source.Close() }

// dialer connects replica to a server.
type dialer struct{ server *server }

func (d dialer) Connect(ctx context.Context) (*pgx.Conn, error) { return d.server.connect(ctx) }
func (d dialer) Explain(err error) error                        { return d.server.explain(err) }

func (d dialer) ConnectReplication(ctx context.Context) (*pgconn.PgConn, error) {
	return d.server.connectReplication(ctx)
}

// replication returns what package replica needs to know of options.
func (s *Source) replication(srv *server) replica.Config {
	o := s.opts
	config := replica.Config{
		Options: o.CDC, Dialer: dialer{srv}, Pipeline: s.pipeline, Columns: o.columns(), Message: replica.Message(o.Message),
		Snapshot: func(tables []tidemill.TableName, id string) tidemill.Source {
			inner := o
			inner.Mode, inner.Tables, inner.Exclude, inner.CDC = modeSnapshot, nil, nil, replica.Options{}
			for _, t := range tables {
				inner.Tables = append(inner.Tables, t.String())
			}
			src := NewSource(s.conn, inner, s.env)
			src.rows, src.bytes, src.meter, src.exported = s.rows, s.bytes, s.meter, id
			return src
		},
	}
	if len(o.Tables)+len(o.Exclude) > 0 {
		if len(o.Tables) == 0 {
			o.Tables = []string{"*.*"}
		}
		config.Match = func(schema, table string) bool {
			ok, _ := o.chosen(tidemill.TableName{Schema: schema, Name: table})
			return ok
		}
	}
	return config
}

// follow opens the reader of mode cdc.
func (s *Source) follow(ctx context.Context, srv *server, from []tidemill.Mark) error {
	src := replica.NewSource(s.replication(srv), s.env.Log)
	src.SetBatch(s.rows, s.bytes)
	s.reader, s.changes = changes{src}, src
	return src.Open(ctx, from)
}

// CheckChanges looks at what a pipeline of mode cdc needs of the server.
func CheckChanges(ctx context.Context, conn Connection, opts Options, pipeline string, env tidemill.Env) []tidemill.Finding {
	srv, err := newServer(conn, env)
	if err == nil {
		opts, err = opts.checked()
	}
	if err != nil {
		f := tidemill.Finding{What: "follow changes", Why: err.Error()}
		if hints := tidemill.Hints(err); len(hints) > 0 {
			f.Hint = hints[0]
		}
		return []tidemill.Finding{f}
	}
	s := NewSource(conn, opts, env)
	s.opts, s.pipeline = opts, pipeline
	return replica.Check(ctx, s.replication(srv))
}

// CanPeek returns why what waits cannot be shown: of changes it would take a
// slot, which is the pipeline's, or make one.
func (o Options) CanPeek() error {
	if !o.FollowsChanges() {
		return nil
	}
	return &tidemill.Error{
		Code: tidemill.Invalid, Op: "peek", Err: errors.New("the changes that wait in a slot can be read by its pipeline only"),
		Hint: "tidemill check tells how far the slot is behind; to see what is in it, ask the server: SELECT lsn, xid FROM " +
			"pg_logical_slot_peek_binary_changes('SLOT', NULL, 10, 'proto_version', '1', 'publication_names', 'PUBLICATION')",
	}
}

// FollowsChanges reports whether o is of mode cdc.
func (o Options) FollowsChanges() bool { return o.Mode == modeCDC }

var modes = []string{modeSnapshot, modeIncremental, modeCDC}

func isMode(s string) bool { return slices.Contains(modes, s) }
