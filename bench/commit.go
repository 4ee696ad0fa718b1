package main

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/extensions"
	"github.com/apache/arrow-go/v18/arrow/memory"
	engine "github.com/duckdb/duckdb-go/v2"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/connector/duckdb"
	"github.com/tidemill/tidemill/examples/cards/gen"
)

// benchCommit commits batches of an envelope, and beside it inserts the same
// records from an Arrow view into a bare table with the same settings. Each
// turn is a run of batches, so that both pay for their checkpoints.
func benchCommit(ctx context.Context, b *bench) error {
	dir, err := b.fresh()
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	s, err := newSubject(ctx, filepath.Join(dir, "commit.duckdb"))
	if err != nil {
		return err
	}
	defer func() { _ = s.warehouse.Close() }() // what is measured has been committed
	f, err := newFloor(ctx, filepath.Join(dir, "bare.duckdb"))
	if err != nil {
		return err
	}
	defer f.close()

	batches := newBatches()
	const each = 20 // batches of a turn
	turn := func(commit func(context.Context, arrow.RecordBatch) error) func() (time.Duration, error) {
		return func() (sum time.Duration, err error) {
			for range each {
				rec := batches.next()
				took, err := timed(func() error { return commit(ctx, rec) })
				rec.Release()
				if err != nil {
					return 0, err
				}
				sum += took
			}
			return sum, nil
		}
	}
	rows := 0
	for _, upto := range []int{b.n(1_000_000), b.n(5_000_000), b.n(10_000_000)} {
		for ; rows+b.rounds*each*batchRows < upto; rows += each * batchRows {
			if _, err := turn(s.commit)(); err != nil {
				return err
			}
		}
		took, err := alternate(b.rounds, turn(f.commit), turn(s.commit))
		if err != nil {
			return err
		}
		rows += b.rounds * each * batchRows
		ratio := took[0].Seconds() / took[1].Seconds()
		b.add(figure{
			bench: "commit", what: fmt.Sprintf("batch of %d rows, %.1f million in the table", batchRows, float64(rows)/1e6),
			subject: millis(took[1] / each), floor: millis(took[0] / each), ratio: ratio, need: ">= 0.7", ok: ratio >= 0.7,
		})
	}
	return nil
}

// subject is the warehouse as the pipeline uses it.
type subject struct {
	warehouse *duckdb.Warehouse
	table     tidemill.Table
	batch     int
}

func newSubject(ctx context.Context, path string) (*subject, error) {
	w, err := duckdb.Open(ctx, duckdb.Connection{Path: path}, quiet)
	if err != nil {
		return nil, err
	}
	s := &subject{warehouse: w, table: tidemill.Table{
		TableName: tidemill.TableName{Schema: "raw", Name: "events"}, Write: tidemill.Append,
		Dedupe: tidemill.Dedupe{Mode: tidemill.DedupeWindow, Window: time.Hour},
	}}
	_, err = w.Evolve(ctx, s.table, envelopeSchema())
	return s, err
}

func (s *subject) commit(ctx context.Context, rec arrow.RecordBatch) error {
	s.batch++
	_, err := s.warehouse.Commit(ctx, tidemill.Landing{
		Pipeline: "bench", Batch: fmt.Sprint(s.batch), Since: time.Now(),
		Rows: []tidemill.TableRows{{Table: s.table, Records: rec}},
	})
	return err
}

// floor is a bare connection.
type floor struct {
	connector *engine.Connector
	conn      driver.Conn
	arrow     *engine.Arrow
}

func newFloor(ctx context.Context, path string) (*floor, error) {
	c, err := engine.NewConnector(path+"?arrow_lossless_conversion=true", nil)
	if err != nil {
		return nil, err
	}
	f := &floor{connector: c}
	if f.conn, err = c.Connect(ctx); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	if f.arrow, err = engine.NewArrowFromConn(f.conn); err != nil {
		return nil, err
	}
	// The checkpoints of the warehouse, so that the ratio is of the work alone.
	for _, s := range []string{"SET GLOBAL checkpoint_threshold = '128MiB'", bareTable} {
		if err := f.exec(ctx, s); err != nil {
			return nil, err
		}
	}
	return f, nil
}

const bareTable = `CREATE TABLE events (_key UUID NOT NULL, _delivery UUID NOT NULL, _payload_hash UUID NOT NULL,
	_pipeline VARCHAR NOT NULL, _batch VARCHAR NOT NULL, _source_time TIMESTAMPTZ, _landed_at TIMESTAMPTZ NOT NULL,
	source VARCHAR NOT NULL, type VARCHAR NOT NULL, message_id VARCHAR, payload JSON NOT NULL, meta JSON)`

func (f *floor) exec(ctx context.Context, s string) error {
	_, err := f.conn.(driver.ExecerContext).ExecContext(ctx, s, nil)
	return err
}

func (f *floor) commit(ctx context.Context, rec arrow.RecordBatch) error {
	reader, err := array.NewRecordReader(rec.Schema(), []arrow.RecordBatch{rec})
	if err != nil {
		return err
	}
	defer reader.Release()
	release, err := f.arrow.RegisterView(reader, "batch")
	if err != nil {
		return err
	}
	defer release()
	return f.exec(ctx, "INSERT INTO events SELECT * FROM batch")
}

func (f *floor) close() {
	_ = f.conn.Close() // what is measured has been committed
	_ = f.connector.Close()
}

// batches makes records of an envelope: the payloads of orders, under new
// identities each time.
type batches struct {
	rnd      *rand.ChaCha8
	payloads []string
	made     int
}

func newBatches() *batches {
	b := &batches{rnd: rand.NewChaCha8([32]byte{1})}
	g, err := gen.New(gen.Options{Events: 4 * batchRows, Seed: 1})
	if err != nil {
		panic(err) // the options are ours
	}
	for e := range g.All() {
		if text, ok := e.AppendJSON(nil); ok && e.Queue == queue {
			b.payloads = append(b.payloads, string(text[:len(text)-1]))
		}
	}
	return b
}

func envelopeSchema() *arrow.Schema {
	text := arrow.BinaryTypes.String
	return arrow.NewSchema(append(tidemill.SystemFields(),
		arrow.Field{Name: "source", Type: text}, arrow.Field{Name: "type", Type: text},
		arrow.Field{Name: "message_id", Type: text, Nullable: true},
		arrow.Field{Name: "payload", Type: tidemill.JSON()},
		arrow.Field{Name: "meta", Type: tidemill.JSON(), Nullable: true}), nil)
}

func (b *batches) next() arrow.RecordBatch {
	r := array.NewRecordBuilder(memory.DefaultAllocator, envelopeSchema())
	defer r.Release()
	b.made++
	now, id := arrow.Timestamp(time.Now().UnixMicro()), make([]byte, 16)
	put := func(column int, s string) { r.Field(column).(interface{ Append(string) }).Append(s) }
	for i := range batchRows {
		for column := range 3 {
			_, _ = b.rnd.Read(id) // never fails
			r.Field(column).(*extensions.UUIDBuilder).AppendBytes([16]byte(id))
		}
		put(3, "orders")
		put(4, fmt.Sprintf("01987654-3210-7000-8000-%012d", b.made))
		r.Field(5).(*array.TimestampBuilder).Append(now)
		r.Field(6).(*array.TimestampBuilder).Append(now)
		put(7, queue)
		put(8, orderType)
		r.Field(9).AppendNull()
		jsonBuilder(r.Field(10)).Append(b.payloads[i%len(b.payloads)])
		jsonBuilder(r.Field(11)).Append(`{"app_id":"cards","content_type":"application/x-protobuf","delivery_mode":"2","routing_key":"orders"}`)
	}
	return r.NewRecordBatch()
}

func jsonBuilder(b array.Builder) *array.StringBuilder {
	return b.(*array.ExtensionBuilder).Builder.(*array.StringBuilder)
}
