package tidetest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/tidemill/tidemill"
)

// Point is a place in a FakeWarehouse at which it can be made to fail.
type Point string

// The points.
const (
	AtEvolve     Point = "evolve"
	AtLedger     Point = "ledger"
	BeforeCommit Point = "before commit" // nothing has happened yet
	AfterCommit  Point = "after commit"  // it is durable, the answer is not sent
)

// ErrDetached is what Fault returns at BeforeCommit to make the call fail at
// once as if the connection broke, while the warehouse goes on and commits
// later, in a race with whatever the caller does next.
var ErrDetached = errors.New("connection lost while the commit runs")

// FakeWarehouse is a tidemill.Warehouse in memory that keeps every promise of
// the contract, and fails where it is told to. It outlives the processes that
// a test pretends to crash.
type FakeWarehouse struct {
	// Fault, if set, is called at each point, may block, and fails the call
	// with the error that it returns. Set it before the first call.
	Fault func(ctx context.Context, at Point, l tidemill.Landing) error

	// Detached, if set, is called before a detached commit goes on; it may block.
	Detached func(l tidemill.Landing)

	// SQL answers the statements of sessions; nil refuses them all. Its
	// record batch is released by the session.
	SQL func(sql string, args []any) (arrow.RecordBatch, error)

	mu       sync.Mutex
	tables   map[string]*fakeTable
	letters  []*FakeLetter
	ledgers  map[string]*fakeLedger
	detached sync.WaitGroup
}

var _ tidemill.Warehouse = (*FakeWarehouse)(nil)

// FakeRow is a landed row.
type FakeRow struct {
	Key, Delivery, PayloadHash tidemill.ID

	// Values holds each column that is not null in Arrow's text form.
	Values map[string]string
}

// FakeLetter is a stored dead letter.
type FakeLetter struct {
	tidemill.DeadLetter
	Pipeline string
	Settled  bool // a replay has landed it
}

type fakeTable struct {
	schema *arrow.Schema
	rows   []FakeRow
	landed []FakeRow // all that ever did, also what an upsert has overwritten
}

type fakeLedger struct {
	marks    map[string]tidemill.Position
	note     []byte
	receipts map[string]tidemill.Receipt
	order    []string // batches, oldest first
}

// NewFakeWarehouse returns an empty warehouse.
func NewFakeWarehouse() *FakeWarehouse {
	return &FakeWarehouse{tables: map[string]*fakeTable{}, ledgers: map[string]*fakeLedger{}}
}

// Dialect says that the fake passes for DuckDB.
func (w *FakeWarehouse) Dialect() tidemill.Dialect { return tidemill.DuckDB }

// Evolve keeps the contract of tidemill.Warehouse. Of types it widens
// integers and floats.
func (w *FakeWarehouse) Evolve(ctx context.Context, t tidemill.Table, want *arrow.Schema) (*arrow.Schema, error) {
	if err := w.fault(ctx, AtEvolve, tidemill.Landing{}); err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	has := w.tables[t.String()]
	switch {
	case want == nil && has == nil:
		return nil, nil
	case want == nil:
		return has.schema, nil
	case has == nil:
		has = &fakeTable{schema: bare(want.Fields())}
		w.tables[t.String()] = has
		return has.schema, nil
	}
	fields := has.schema.Fields()
	for _, f := range want.Fields() {
		i := slices.IndexFunc(fields, func(g arrow.Field) bool { return g.Name == f.Name })
		switch {
		case i < 0:
			f.Nullable = true
			fields = append(fields, f)
		case arrow.TypeEqual(fields[i].Type, f.Type) || widens(f.Type, fields[i].Type):
		case widens(fields[i].Type, f.Type):
			fields[i].Type = f.Type
		default:
			return nil, &tidemill.Error{
				Code: tidemill.SchemaIncompatible, Op: "evolve", Stream: t.String(),
				Err: fmt.Errorf("column %s is %v, not %v", f.Name, fields[i].Type, f.Type),
			}
		}
	}
	has.schema = bare(fields)
	return has.schema, nil
}

// bare returns a schema of fields as a warehouse gives it back: without the
// metadata of Arrow.
func bare(fields []arrow.Field) *arrow.Schema {
	fields = slices.Clone(fields)
	for i := range fields {
		fields[i].Metadata = arrow.Metadata{}
	}
	return arrow.NewSchema(fields, nil)
}

// widens says whether every value of from is one of to.
func widens(from, to arrow.DataType) bool {
	rank := map[arrow.Type]int{
		arrow.INT8: 1, arrow.INT16: 2, arrow.INT32: 3, arrow.INT64: 4, arrow.DECIMAL128: 5,
		arrow.FLOAT32: 11, arrow.FLOAT64: 12,
	}
	a, b := rank[from.ID()], rank[to.ID()]
	return a > 0 && a < b && (a > 10) == (b > 10)
}

// Ledger keeps the contract of tidemill.Warehouse.
func (w *FakeWarehouse) Ledger(ctx context.Context, pipeline string) (tidemill.Ledger, error) {
	if err := w.fault(ctx, AtLedger, tidemill.Landing{}); err != nil {
		return tidemill.Ledger{}, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	var l tidemill.Ledger
	has := w.ledgers[pipeline]
	if has == nil {
		return l, nil
	}
	l.Note = has.note
	for _, scope := range slices.Sorted(maps.Keys(has.marks)) {
		l.Marks = append(l.Marks, tidemill.Mark{Scope: scope, To: has.marks[scope]})
	}
	covered := int64(0)
	for _, batch := range slices.Backward(has.order) {
		r := has.receipts[batch]
		l.Recent = append(l.Recent, r)
		if covered += r.Rows + r.Duplicates + r.Dead; covered >= 1000 {
			break
		}
	}
	return l, nil
}

// Publish is refused: the fake has no models.
func (w *FakeWarehouse) Publish(context.Context, tidemill.Session, tidemill.TableName, tidemill.TableName) error {
	return errors.New("the fake warehouse publishes nothing")
}

// Close waits for detached commits.
func (w *FakeWarehouse) Close() error {
	w.detached.Wait()
	return nil
}

// Rows returns what has landed in table, in order.
func (w *FakeWarehouse) Rows(table string) []FakeRow {
	w.mu.Lock()
	defer w.mu.Unlock()
	if t := w.tables[table]; t != nil {
		return slices.Clone(t.rows)
	}
	return nil
}

// Tables returns the names of all tables, sorted.
func (w *FakeWarehouse) Tables() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Sorted(maps.Keys(w.tables))
}

// Letters returns the dead letters, in the order in which they came.
func (w *FakeWarehouse) Letters() []FakeLetter {
	w.mu.Lock()
	defer w.mu.Unlock()
	letters := make([]FakeLetter, len(w.letters))
	for i, d := range w.letters {
		letters[i] = *d
	}
	return letters
}

// Receipts returns the receipts of a pipeline's batches, oldest first.
func (w *FakeWarehouse) Receipts(pipeline string) (receipts []tidemill.Receipt) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if l := w.ledgers[pipeline]; l != nil {
		for _, batch := range l.order {
			receipts = append(receipts, l.receipts[batch])
		}
	}
	return receipts
}

func (w *FakeWarehouse) fault(ctx context.Context, at Point, l tidemill.Landing) error {
	if w.Fault != nil {
		if err := w.Fault(ctx, at, l); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// Session returns a session that has SQL answer.
func (w *FakeWarehouse) Session(context.Context) (tidemill.Session, error) {
	return &fakeSession{w}, nil
}

type fakeSession struct{ w *FakeWarehouse }

func (*fakeSession) Begin(context.Context) error    { return nil }
func (*fakeSession) Commit(context.Context) error   { return nil }
func (*fakeSession) Rollback(context.Context) error { return nil }
func (*fakeSession) Close() error                   { return nil }

func (s *fakeSession) Exec(ctx context.Context, sql string, args ...any) (int64, error) {
	r, err := s.answer(ctx, sql, args)
	if err != nil {
		return 0, err
	}
	defer r.Release()
	return r.NumRows(), nil
}

func (s *fakeSession) Query(ctx context.Context, sql string, args ...any) (array.RecordReader, error) {
	r, err := s.answer(ctx, sql, args)
	if err != nil {
		return nil, err
	}
	defer r.Release()
	return array.NewRecordReader(r.Schema(), []arrow.RecordBatch{r})
}

func (s *fakeSession) answer(ctx context.Context, sql string, args []any) (arrow.RecordBatch, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if s.w.SQL == nil {
		return nil, &tidemill.Error{Code: tidemill.SQL, Err: errors.New("the fake warehouse runs no SQL")}
	}
	return s.w.SQL(sql, args)
}
