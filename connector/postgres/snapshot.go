package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"golang.org/x/sync/errgroup"

	"github.com/tidemill/tidemill"
)

// snapshot reads tables as they are at one moment. It is used from one
// goroutine; its workers end before begin, next and close return for good.
type snapshot struct {
	server *server
	opts   Options
	log    *slog.Logger
	rows   int   // of one batch
	bytes  int64 // of one batch

	// exported is the snapshot of another transaction, used by the first run;
	// "" makes one.
	exported string
	// decorate, if set, makes the records of a table what the batch holds. It
	// takes over the reference.
	decorate func(t *table, rec arrow.RecordBatch) arrow.RecordBatch

	marks map[string]tidemill.Position // as they are after what was handed out
	meter *meter
	run   *run
	left  int // chunks that are not read to their end
	ended bool
}

// run reads in one snapshot of the server.
type run struct {
	ctx    context.Context
	cancel context.CancelFunc
	holder *pgx.Conn // keeps the snapshot
	name   string    // of the snapshot
	out    chan item
	failed chan error
	group  *errgroup.Group

	mu      sync.Mutex
	pending []*scan
	plans   map[*table]plan
}

// item is what a worker has read of a chunk.
type item struct {
	scan    *scan
	records arrow.RecordBatch
	dead    []tidemill.DeadLetter
	at      progress
}

// complete reports whether the marks say that all that opts names was read.
func complete(marks map[string]tidemill.Position, opts Options) (bool, error) {
	var f finished
	if err := decodePosition(scopeSnapshot, marks[scopeSnapshot], &f); err != nil || len(marks[scopeSnapshot]) == 0 {
		return false, err
	}
	rows := f.Rows
	f.Rows = 0
	return string(encode(f)) == string(encode(asked(opts))) && rows >= 0, nil
}

func asked(opts Options) finished {
	return finished{Tables: opts.Tables, Exclude: opts.Exclude, Query: opts.Query}
}

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

// next returns what the workers have read, or io.EOF after the last mark. An
// error ends the run: begin goes on with what was not handed out.
func (r *snapshot) next(ctx context.Context) (tidemill.Batch, error) {
	if r.ended {
		return tidemill.Batch{}, io.EOF
	}
	if r.run == nil {
		if err := r.begin(ctx); err != nil {
			return tidemill.Batch{}, err
		}
	}
	if r.left == 0 {
		return tidemill.Batch{Marks: r.finish(nil)}, nil
	}
	select {
	case it := <-r.run.out:
		return r.deliver(it)
	case err := <-r.run.failed:
		r.stop()
		return tidemill.Batch{}, err
	case <-ctx.Done():
		return tidemill.Batch{}, context.Cause(ctx)
	}
}

// deliver makes a batch of what a worker has read. Its marks hold how the
// table is divided with the first rows of it.
func (r *snapshot) deliver(it item) (tidemill.Batch, error) {
	t := it.scan.table
	b := tidemill.Batch{Dead: it.dead}
	if len(r.marks[scopePlan(t)]) == 0 {
		b.Marks = append(b.Marks, r.mark(scopePlan(t), encode(it.scan.plan)))
	}
	b.Marks = append(b.Marks, r.mark(scopeChunk(t, it.scan.chunk), encode(it.at)))
	r.meter.add(it.records.NumRows())
	if it.at.Done {
		if r.left--; r.left == 0 {
			b.Marks = r.finish(b.Marks)
		}
	}
	r.meter.report(r.log, r.left)
	if r.opts.Message.Value != "" {
		defer it.records.Release()
		var err error
		b.Messages, err = r.opts.Message.messages(t, it.records)
		return b, err
	}
	rec := it.records
	if r.decorate != nil {
		rec = r.decorate(t, rec)
	}
	if rec.NumRows() == 0 {
		rec.Release()
		return b, nil
	}
	b.Parts = []tidemill.Part{{Stream: t.name.String(), Key: t.key, Records: rec}}
	return b, nil
}

// finish adds the mark that all was read.
func (r *snapshot) finish(marks []tidemill.Mark) []tidemill.Mark {
	f := asked(r.opts)
	f.Rows = r.meter.read()
	r.ended = true
	r.log.Info("snapshot is complete", "rows", f.Rows, "took", r.meter.elapsed().Round(time.Millisecond))
	return append(marks, r.mark(scopeSnapshot, encode(f)))
}

func (r *snapshot) mark(scope string, to tidemill.Position) tidemill.Mark {
	m := tidemill.Mark{Scope: scope, From: r.marks[scope], To: to}
	r.marks[scope] = to
	return m
}

// stop ends the run and waits for its workers.
func (r *snapshot) stop() {
	u := r.run
	if u == nil {
		return
	}
	r.run = nil
	u.cancel()
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = u.group.Wait() // workers tell by failed
	}()
	for open := true; open; {
		select {
		case it := <-u.out:
			it.records.Release()
		case <-done:
			open = false
		}
	}
	closeConn(u.holder)
}

func (r *snapshot) close() error {
	r.stop()
	return nil
}

// goodbye is how long a server may take to hang up.
const goodbye = time.Second

// closeConn says goodbye and waits until nothing of the connection is left.
func closeConn(conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.Background(), goodbye)
	defer cancel()
	_ = conn.Close(ctx) // nothing is under way that could be lost
	select {
	case <-conn.PgConn().CleanupDone():
	case <-ctx.Done():
		// A write that was cut off leaves a TLS connection that can say nothing
		// more; pgx would wait 15 s for the server to hang up.
		_ = conn.PgConn().Conn().Close()
		<-conn.PgConn().CleanupDone()
	}
}

var errStopped = errors.New("the snapshot was stopped")
