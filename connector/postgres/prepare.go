package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"golang.org/x/sync/errgroup"

	"github.com/tidemill/tidemill"
)

// begin opens a snapshot and starts the workers on what is left.
func (r *snapshot) begin(ctx context.Context) error {
	conn, err := r.server.connect(ctx)
	if err != nil {
		return err
	}
	u := &run{holder: conn, plans: map[*table]plan{}, out: make(chan item), failed: make(chan error, 1)}
	err = r.prepare(ctx, u)
	r.exported = "" // it may end with the transaction that made it
	if err != nil {
		closeConn(conn)
		return err
	}
	u.ctx, u.cancel = context.WithCancel(context.WithoutCancel(ctx))
	u.group = new(errgroup.Group)
	r.run, r.left = u, len(u.pending)
	for range min(r.opts.Workers, len(u.pending)) {
		u.group.Go(func() error {
			if err := r.work(u); err != nil {
				select {
				case u.failed <- err:
				default: // another one has told; all of them end
				}
			}
			return nil
		})
	}
	return nil
}

// prepare plans what is to be read, in the transaction of the snapshot.
func (r *snapshot) prepare(ctx context.Context, u *run) error {
	tables, err := r.open(ctx, u)
	if err != nil {
		return err
	}
	r.meter.begin()
	resumed := 0
	for _, t := range tables {
		p, known, err := r.plan(ctx, u.holder, t)
		if err != nil {
			return err
		}
		u.plans[t] = p
		r.meter.expect(t.rows)
		for i := range p.chunks() {
			sc := &scan{table: t, plan: p, chunk: i}
			if err := decodePosition(scopeChunk(t, i), r.marks[scopeChunk(t, i)], &sc.at); err != nil {
				return err
			}
			r.meter.resume(sc.at.Rows)
			if sc.at.Done {
				continue
			}
			if known && sc.at.Rows > 0 {
				resumed++
				if err := r.mayGoOn(ctx, u.holder, sc); err != nil {
					return err
				}
			}
			u.pending = append(u.pending, sc)
		}
		if known {
			resumed++
		}
	}
	if resumed > 0 && len(u.pending) > 0 {
		r.log.Warn("snapshot goes on in a new one: rows that changed meanwhile come as they were before or as they are now", "chunks", len(u.pending))
	}
	return nil
}

// open begins the transaction and finds the tables as it sees them.
func (r *snapshot) open(ctx context.Context, u *run) ([]*table, error) {
	if err := r.server.importSnapshot(ctx, u.holder, r.exported); err != nil {
		return nil, err
	}
	u.name = r.exported
	if u.name == "" {
		if err := u.holder.QueryRow(ctx, "select pg_export_snapshot()").Scan(&u.name); err != nil {
			return nil, r.server.explain(err)
		}
	}
	return r.server.find(ctx, u.holder, r.opts)
}

// plan returns the plan of t, and whether it is the one of an earlier run.
func (r *snapshot) plan(ctx context.Context, conn *pgx.Conn, t *table) (plan, bool, error) {
	var p plan
	if at := r.marks[scopePlan(t)]; len(at) > 0 {
		return p, true, decodePosition(scopePlan(t), at, &p)
	}
	p, err := r.server.divide(ctx, conn, t, r.opts.ChunkRows)
	return p, false, err
}

// mayGoOn says why a chunk that was read in part cannot be read to its end.
func (r *snapshot) mayGoOn(ctx context.Context, conn *pgx.Conn, sc *scan) error {
	if sc.plan.By == byKey {
		for _, k := range sc.plan.Key {
			if sc.table.column(k) == nil {
				return r.server.wrap(tidemill.Invalid, fmt.Errorf("table %s was read in part, in the order of a column %q that is gone", sc.table.name, k), "drop what landed of it and name the pipeline anew")
			}
		}
		return nil
	}
	same, err := r.server.unchanged(ctx, conn, sc.table, sc.plan)
	if err != nil || same {
		return err
	}
	return r.server.wrap(tidemill.Invalid, fmt.Errorf("%s has no key, was read in part before, and may have changed since", sc.table.name),
		"give it a primary key (of a query: set key), drop what landed of it and name the pipeline anew")
}

// The codes of an import of a snapshot that is not there, before and since
// version 16.
const (
	invalidParameter = "22023"
	undefinedObject  = "42704"
)

// importSnapshot begins a transaction that sees what another one sees, or
// with "" what there is now. Where the other one has ended, the error is
// Retryable: a new snapshot takes its place.
func (s *server) importSnapshot(ctx context.Context, conn *pgx.Conn, name string) error {
	sql := "begin isolation level repeatable read read only"
	if name != "" {
		text, err := literal(name)
		if err != nil {
			return err
		}
		sql += "; set transaction snapshot " + text
	}
	// Rows come in the order of their place only from one process.
	_, err := conn.PgConn().Exec(ctx, sql+"; set local max_parallel_workers_per_gather = 0").ReadAll()
	var reply *pgconn.PgError
	if errors.As(err, &reply) && (reply.Code == invalidParameter || reply.Code == undefinedObject) {
		return tidemill.Transient(s.wrap(tidemill.Unavailable, errors.New("the transaction that held the snapshot has ended"), "it is tried again in a new one"))
	}
	return s.explain(err)
}
