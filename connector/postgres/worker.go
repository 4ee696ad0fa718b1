package postgres

import (
	"github.com/jackc/pgx/v5"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/connector/postgres/column"
)

// work reads chunks until none is left.
func (r *snapshot) work(u *run) error {
	conn, err := r.server.connect(u.ctx)
	if err != nil {
		return err
	}
	defer closeConn(conn)
	if err := r.server.importSnapshot(u.ctx, conn, u.name); err != nil {
		return err
	}
	for sc := u.take(); sc != nil; sc = u.take() {
		if err := r.copy(u, conn, sc); err != nil {
			return err
		}
	}
	return nil
}

// take returns the next chunk, or nil.
func (u *run) take() *scan {
	u.mu.Lock()
	defer u.mu.Unlock()
	if len(u.pending) == 0 || u.ctx.Err() != nil {
		return nil
	}
	sc := u.pending[0]
	u.pending = u.pending[1:]
	return sc
}

// copy reads what is left of one chunk.
func (r *snapshot) copy(u *run, conn *pgx.Conn, sc *scan) error {
	build, err := column.NewBuilder(sc.table.columns)
	if err != nil {
		return err
	}
	defer build.Release()
	pos := sc.position()
	sql, err := sc.sql(pos)
	if err != nil {
		return err
	}
	c := &chunk{run: u, scan: sc, pos: pos, build: build, rows: r.rows, bytes: r.bytes}
	c.decoder = newDecoder(build, len(sc.table.columns), len(pos.hidden), c.row)
	if _, err := conn.PgConn().CopyTo(u.ctx, c.decoder, sql); err != nil {
		if u.ctx.Err() != nil {
			return errStopped
		}
		return r.server.explain(err)
	}
	if !c.decoder.ended {
		return errCopy
	}
	return c.emit(true)
}

// chunk gathers the rows of a scan into batches.
type chunk struct {
	run     *run
	scan    *scan
	pos     position
	build   *column.Builder
	decoder *decoder
	rows    int
	bytes   int64
	dead    []tidemill.DeadLetter
	deadFor int64 // bytes of dead
	seen    int64 // rows since the last batch
}

func (c *chunk) row(failed error) error {
	c.seen++
	if failed != nil {
		l := letter(c.scan.table, c.decoder.fields, failed)
		c.dead = append(c.dead, l)
		c.deadFor += int64(len(l.Message.Value))
	}
	if c.seen < int64(c.rows) && c.build.Size()+c.deadFor < c.bytes {
		return nil
	}
	return c.emit(false)
}

// emit hands over what was gathered.
func (c *chunk) emit(done bool) error {
	rec := c.build.Record()
	c.scan.at.Rows += c.seen
	c.scan.at.Done = done
	if after := c.pos.after(rec, c.decoder.hidden); after != nil && c.seen > 0 {
		c.scan.at.After = after
	}
	if done {
		c.scan.at.After = nil // it says no more
	}
	it := item{scan: c.scan, records: rec, dead: c.dead, at: c.scan.at}
	c.dead, c.deadFor, c.seen = nil, 0, 0
	select {
	case c.run.out <- it:
		return nil
	case <-c.run.ctx.Done():
		rec.Release()
		return errStopped
	}
}
