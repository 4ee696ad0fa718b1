package duckdb

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/sqlgen"
)

// commit does what tidemill.Warehouse says of Commit, once: an error leaves it
// to the caller to ask the ledger what became of it.
func (w *writer) commit(ctx context.Context, l tidemill.Landing) (tidemill.Receipt, error) {
	if r, found, err := w.committed(ctx, l); err != nil || found {
		return r, err
	}
	c, err := w.plan(l)
	if err != nil {
		return tidemill.Receipt{}, err
	}
	defer c.feeds.close(ctx)
	if err := c.recognise(ctx); err != nil {
		return tidemill.Receipt{}, err
	}
	if err := c.prepare(ctx); err != nil {
		return tidemill.Receipt{}, err
	}
	if err := w.transaction(ctx, func() error { return c.run(ctx) }); err != nil {
		return tidemill.Receipt{}, err
	}
	w.compactSometimes(ctx)
	return c.receipt(), nil
}

// committed returns the figures of a batch that is in the ledger.
func (w *writer) committed(ctx context.Context, l tidemill.Landing) (tidemill.Receipt, bool, error) {
	rows, err := w.conn.find(ctx, sqlgen.SelectBatch{}, l.Pipeline, l.Batch)
	if err != nil {
		return tidemill.Receipt{}, false, fmt.Errorf("read the ledger: %w", err)
	}
	v := rows[0]
	if v[0].(int64) == 0 {
		return tidemill.Receipt{}, false, nil
	}
	return tidemill.Receipt{Rows: v[1].(int64), Duplicates: v[2].(int64), Dead: v[3].(int64), Repeated: true}, true, nil
}

// landing is one Landing on its way into the database: what is twice in it is
// found in memory, what has landed before by look-ups, and the rest is written
// by steps of one transaction. The look-ups run before it, so that its views
// are there when it begins; the writer's lock keeps what they saw true.
type landing struct {
	*writer
	tidemill.Landing
	now     time.Time
	tables  []*table
	letters *letters
	marks   []tidemill.Mark
	feeds   *feed
	stale   sqlgen.Statement // finds a mark that another writer has moved; nil without marks
	steps   []step
}

// step is one statement of the transaction.
type step struct {
	op   string // for errors
	stmt sqlgen.Statement
	args []any
}

func (c *landing) step(op string, s sqlgen.Statement, args ...any) {
	c.steps = append(c.steps, step{op, s, args})
}

// plan reads the identities of l and finds what is twice in it.
func (w *writer) plan(l tidemill.Landing) (*landing, error) {
	if l.Pipeline == "" || l.Batch == "" {
		return nil, &tidemill.Error{Code: tidemill.Invalid, Op: "commit", Err: errors.New("a landing needs the names of its pipeline and batch")}
	}
	c := &landing{writer: w, Landing: l, now: w.tick(), letters: newLetters(l), feeds: w.feeder.open(w.conn)}
	names := map[tidemill.TableName]bool{}
	for _, r := range l.Rows {
		if names[r.Table.TableName] {
			return nil, &tidemill.Error{Code: tidemill.Invalid, Op: "commit", Stream: r.Table.String(), Err: errors.New("the table is twice in one landing")}
		}
		names[r.Table.TableName] = true
		t, err := newTable(r)
		if err != nil {
			return nil, &tidemill.Error{Code: tidemill.Invalid, Op: "commit", Stream: r.Table.String(), Err: err}
		}
		c.tables = append(c.tables, t)
	}
	var err error
	c.marks, err = chain(l.Marks)
	return c, err
}

// recognise drops what has landed before.
func (c *landing) recognise(ctx context.Context) error {
	for _, t := range c.tables {
		if err := c.recogniseRows(ctx, t); err != nil {
			return fmt.Errorf("land in %s: %w", t.Table.TableName, err)
		}
	}
	if err := c.recogniseLetters(ctx); err != nil {
		return fmt.Errorf("look up dead letters: %w", err)
	}
	return nil
}

// prepare lists the steps of the transaction and makes their views.
func (c *landing) prepare(ctx context.Context) error {
	if err := c.prepareMarks(ctx); err != nil {
		return err
	}
	for _, t := range c.tables {
		if t.landed() == 0 {
			continue
		}
		if err := c.prepareRows(ctx, t); err != nil {
			return err
		}
	}
	if err := c.prepareLetters(ctx); err != nil {
		return err
	}
	c.prepareLedger()
	return nil
}

// run does everything between BEGIN and COMMIT.
func (c *landing) run(ctx context.Context) error {
	c.at("begun")
	if err := c.compareMarks(ctx); err != nil {
		return err
	}
	for i, s := range c.steps {
		c.at(fmt.Sprintf("step-%d", i))
		if _, err := c.conn.run(ctx, s.stmt, s.args...); err != nil {
			return fmt.Errorf("%s: %w", s.op, err)
		}
	}
	return nil
}

// prepareLedger writes an entry for each table, and one for letters and marks,
// which is there even if the batch has neither.
func (c *landing) prepareLedger() {
	const op = "write the ledger"
	entry := func(table string, landed, dead int64, removed duplicates) {
		c.step(op, sqlgen.InsertBatch{}, c.Pipeline, c.Batch, table, landed, removed.sum(), dead, c.now)
		for _, k := range []struct {
			kind string
			n    int64
		}{{"batch", removed.batch}, {"key", removed.key}, {"delivery", removed.delivery}} {
			if k.n > 0 {
				c.step(op, sqlgen.InsertDuplicates{}, c.Pipeline, c.Batch, table, k.kind, k.n, c.now)
			}
		}
	}
	for _, t := range c.tables {
		entry(ledgerName(t.Table.TableName), t.landed(), 0, t.removed)
	}
	entry("", 0, c.letters.kept(), c.letters.removed)
}

func (c *landing) receipt() tidemill.Receipt {
	r := tidemill.Receipt{Dead: c.letters.kept(), Duplicates: c.letters.removed.sum()}
	for _, t := range c.tables {
		r.Rows += t.landed()
		r.Duplicates += t.removed.sum()
	}
	return r
}

// duplicates counts what was removed, by how it was recognised.
type duplicates struct{ batch, key, delivery int64 }

func (d duplicates) sum() int64 { return d.batch + d.key + d.delivery }
