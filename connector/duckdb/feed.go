package duckdb

import (
	"context"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/extensions"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/sqlgen"
)

// feeder shows Arrow records to the engine. It has a connection of its own,
// whose default database is the one in memory: a view is registered in the
// default database, and a transaction may write to one database only.
type feeder struct {
	conn *conn
	next int
}

func newFeeder(ctx context.Context, in *instance) (*feeder, error) {
	c, err := in.connect(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := c.exec(ctx, "USE "+views); err != nil {
		c.close()
		return nil, err
	}
	return &feeder{conn: c}, nil
}

// feed is a set of records that the engine can read.
type feed struct {
	*feeder
	reader *conn // whose temporary tables they are
	views  []tidemill.TableName
	tables []tidemill.TableName
	free   []func()
}

func (f *feeder) open(reader *conn) *feed { return &feed{feeder: f, reader: reader} }

// view makes a view of recs and retains them until close. It can be read once,
// by a transaction that has read no view before it was made, and only by
// SELECT *: the engine believes that the driver leaves out the columns that a
// query does not name, which it does not.
func (f *feed) view(s *arrow.Schema, recs ...arrow.RecordBatch) (tidemill.TableName, error) {
	reader, err := array.NewRecordReader(s, recs)
	if err != nil {
		return tidemill.TableName{}, fmt.Errorf("arrow view: %w", err)
	}
	defer reader.Release()
	f.next++
	view := tidemill.TableName{Schema: views, Name: fmt.Sprintf("v%d", f.next)}
	f.conn.mu.Lock()
	defer f.conn.mu.Unlock()
	if f.conn.done {
		return view, errBroken
	}
	release, err := f.conn.arrow.RegisterView(reader, view.Name)
	if err != nil {
		return view, tidemill.Transient(fmt.Errorf("%w: %w", errView, err))
	}
	f.views, f.free = append(f.views, view), append(f.free, release)
	return view, nil
}

// table copies rec to a temporary table, which any query may read.
func (f *feed) table(ctx context.Context, rec arrow.RecordBatch) (tidemill.TableName, error) {
	view, err := f.view(rec.Schema(), rec)
	if err != nil {
		return view, err
	}
	t := tidemill.TableName{Schema: "temp", Name: "tidemill_" + view.Name}
	f.tables = append(f.tables, t) // it may be there although ctx has ended
	_, err = f.reader.run(ctx, sqlgen.CopyTable{Table: t, From: view, Temporary: true})
	return t, err
}

// close drops what was made; no statement may be reading it. What cannot be
// dropped costs memory until the database is closed, which a broken
// connection, the one reason, leads to.
func (f *feed) close(ctx context.Context) {
	ctx = context.WithoutCancel(ctx)
	for _, t := range f.tables {
		_, _ = f.reader.run(ctx, sqlgen.DropTable{Table: t})
	}
	for i, v := range f.views {
		_, _ = f.conn.run(ctx, sqlgen.DropView{View: v})
		f.free[i]()
	}
	f.views, f.tables, f.free = nil, nil, nil
}

// identities returns a record of idx and id of the given rows.
func identities(ids []tidemill.ID, at []int) arrow.RecordBatch {
	b := array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema([]arrow.Field{
		{Name: "idx", Type: arrow.PrimitiveTypes.Int64},
		{Name: "id", Type: tidemill.UUID()},
	}, nil))
	defer b.Release()
	b.Reserve(len(at))
	for _, i := range at {
		b.Field(0).(*array.Int64Builder).UnsafeAppend(int64(i))
		b.Field(1).(*extensions.UUIDBuilder).AppendBytes(ids[i])
	}
	return b.NewRecordBatch()
}
