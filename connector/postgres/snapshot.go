package postgres

import (
	"context"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/jackc/pgx/v5"
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
