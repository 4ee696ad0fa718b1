package land_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/internal/redact"
	"github.com/tidemill/tidemill/pipeline/land"
	"github.com/tidemill/tidemill/project"
	"github.com/tidemill/tidemill/tidetest"
)

// partSource gives reads of records, each with a mark.
type partSource struct {
	reads []tidemill.Batch
	next  int
}

func (s *partSource) Open(_ context.Context, from []tidemill.Mark) error {
	for _, m := range from {
		if _, err := fmt.Sscan(string(m.To), &s.next); err != nil {
			return err
		}
	}
	return nil
}

func (s *partSource) Read(context.Context) (tidemill.Batch, error) {
	if s.next == len(s.reads) {
		return tidemill.Batch{}, io.EOF
	}
	b := s.reads[s.next]
	from := ""
	if s.next > 0 {
		from = fmt.Sprint(s.next)
	}
	s.next++
	b.Marks = []tidemill.Mark{{Scope: "log", From: tidemill.Position(from), To: tidemill.Position(fmt.Sprint(s.next))}}
	for _, p := range b.Parts {
		p.Records.Retain()
	}
	return b, nil
}

func (s *partSource) Drain(context.Context) error    { return nil }
func (s *partSource) Ack(context.Context, any) error { return nil }
func (s *partSource) Close() error                   { return nil }

// read returns one read of a stream: columns by name, of int64 or string.
func read(stream string, columns map[string]any, key ...string) tidemill.Batch {
	var fields []arrow.Field
	var arrays []arrow.Array
	n := 0
	for _, name := range slices.Sorted(mapKeys(columns)) {
		var a arrow.Array
		switch v := columns[name].(type) {
		case []int64:
			b := array.NewInt64Builder(memory.DefaultAllocator)
			b.AppendValues(v, nil)
			a, n = b.NewArray(), len(v)
		case []string:
			b := array.NewStringBuilder(memory.DefaultAllocator)
			b.AppendValues(v, nil)
			a, n = b.NewArray(), len(v)
		}
		fields, arrays = append(fields, arrow.Field{Name: name, Type: a.DataType()}), append(arrays, a)
	}
	rec := array.NewRecordBatch(arrow.NewSchema(fields, nil), arrays, int64(n))
	return tidemill.Batch{Parts: []tidemill.Part{{Stream: stream, Key: key, Records: rec}}}
}

func mapKeys(m map[string]any) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

func recordPipeline() project.Pipeline {
	p := pipeline()
	p.Land.Table, p.Land.Shape = "raw.{table}", "columns"
	p.Land.Batch.Records = 1000
	return p
}

func TestRecordsLand(t *testing.T) {
	w := tidetest.NewFakeWarehouse()
	src := &partSource{reads: []tidemill.Batch{
		read("public.orders", map[string]any{"id": []int64{1, 2}}),
		read("public.orders", map[string]any{"id": []int64{3}, "note": []string{"new"}}), // a column more, in one batch with the others
		read("public.Order Lines", map[string]any{"id": []int64{7}}),
	}}
	want(t, mustRun(t, config(t, recordPipeline(), src, w)), 4, 0, 0)
	if got := values(w, "raw.orders", "id", "note"); !slices.Equal(got, []string{"1/", "2/", "3/new"}) {
		t.Errorf("orders: %v", got)
	}
	if got := values(w, "raw.order_lines", "id"); !slices.Equal(got, []string{"7"}) {
		t.Errorf("lines: %v", got)
	}
	src = &partSource{reads: src.reads}
	want(t, mustRun(t, config(t, recordPipeline(), src, w)), 0, 0, 0) // its mark says that all has landed
}

// TestRecordsRetyped commits what has the old type before what has the new.
func TestRecordsRetyped(t *testing.T) {
	w := tidetest.NewFakeWarehouse()
	src := &partSource{reads: []tidemill.Batch{
		read("orders", map[string]any{"id": []int64{1}}),
		read("orders", map[string]any{"id": []string{"two"}}),
	}}
	sum, err := run(t, config(t, recordPipeline(), src, w))
	if tidemill.CodeOf(err) != tidemill.SchemaIncompatible || sum.Rows != 1 {
		t.Errorf("%+v, %v", sum, err)
	}
}

func TestRecordsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		reads []tidemill.Batch
		edit  func(*project.Pipeline)
		says  string
	}{
		"reserved name": {
			[]tidemill.Batch{read("orders", map[string]any{"_Batch": []int64{1}})}, func(*project.Pipeline) {}, "name of a column that Tidemill adds",
		},
		"two streams in one table": {
			[]tidemill.Batch{read("a.orders", map[string]any{"id": []int64{1}}), read("b.orders", map[string]any{"id": []int64{1}})},
			func(*project.Pipeline) {}, "would land in one table",
		},
		"rows for a mirror": {
			[]tidemill.Batch{read("orders", map[string]any{"id": []int64{1}})}, func(p *project.Pipeline) { p.Land.Write = "mirror" }, "cannot be a mirror",
		},
		"new column under freeze": {
			[]tidemill.Batch{read("orders", map[string]any{"id": []int64{1}}), read("orders", map[string]any{"id": []int64{2}, "x": []int64{1}})},
			func(p *project.Pipeline) { p.Land.Contract, p.Land.Batch.Records = "freeze", 1 }, `column "x" is new`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := recordPipeline()
			p.Land.Fold = time.Second
			c.edit(&p)
			_, err := run(t, config(t, p, &partSource{reads: c.reads}, &foldingFake{FakeWarehouse: tidetest.NewFakeWarehouse()}))
			if err == nil || !strings.Contains(err.Error(), c.says) || len(tidemill.Hints(err)) == 0 {
				t.Errorf("%v, hints %v", err, tidemill.Hints(err))
			}
		})
	}
}

func TestRecordsProtected(t *testing.T) {
	w := tidetest.NewFakeWarehouse()
	p := recordPipeline()
	p.Land.Drop, p.Land.Mask, p.Land.Hash, p.Land.Salt = []string{"card"}, []string{"name"}, []string{"email"}, redact.New("pepper")
	src := &partSource{reads: []tidemill.Batch{read("orders", map[string]any{
		"id": []int64{1}, "card": []string{"4111"}, "name": []string{"Ann"}, "email": []string{"ann@example.com"},
	})}}
	mustRun(t, config(t, p, src, w))
	rows := w.Rows("raw.orders")
	if len(rows) != 1 {
		t.Fatalf("%d rows", len(rows))
	}
	v := rows[0].Values
	if _, there := v["card"]; there || v["id"] != "1" || v["name"] != "***" || len(v["email"]) != 64 {
		t.Errorf("%v", v)
	}
}

// foldingFake counts the folds that it is asked for.
type foldingFake struct {
	*tidetest.FakeWarehouse
	mu    sync.Mutex
	folds []tidemill.Fold
	fail  error // of the first fold
}

func (w *foldingFake) Fold(_ context.Context, f tidemill.Fold) (tidemill.FoldReceipt, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.folds = append(w.folds, f)
	err := w.fail
	w.fail = nil
	return tidemill.FoldReceipt{Batches: 1}, err
}

// changesOf makes inserts of rows.
func changesOf(b tidemill.Batch) tidemill.Batch {
	p := b.Parts[0]
	n := int(p.Records.NumRows())
	rb := array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema(tidemill.ChangeFields(), nil))
	for i := range n {
		rb.Field(0).(*array.StringBuilder).Append(string(tidemill.OpInsert))
		rb.Field(1).(*array.BinaryBuilder).Append([]byte{byte(i)})
		rb.Field(2).AppendNull()
		rb.Field(3).AppendNull()
	}
	head := rb.NewRecordBatch()
	schema := arrow.NewSchema(append(head.Schema().Fields(), p.Records.Schema().Fields()...), nil)
	p.Records = array.NewRecordBatch(schema, append(head.Columns(), p.Records.Columns()...), int64(n))
	return tidemill.Batch{Parts: []tidemill.Part{p}}
}

func TestChangesAreFolded(t *testing.T) {
	p := recordPipeline()
	p.Land.Write, p.Land.Fold, p.Land.Keep = "mirror", time.Hour, time.Minute
	w := &foldingFake{FakeWarehouse: tidetest.NewFakeWarehouse(), fail: tidemill.Transient(errors.New("busy"))}
	src := &partSource{reads: []tidemill.Batch{
		changesOf(read("public.orders", map[string]any{"id": []int64{1, 2}}, "id")),
		changesOf(read("public.keyless", map[string]any{"id": []int64{1}})),
	}}
	cfg := config(t, p, src, w)
	want(t, mustRun(t, cfg), 3, 0, 0)
	if len(w.Rows("raw.orders__changes")) != 2 || len(w.Rows("raw.keyless__changes")) != 1 {
		t.Error("the changes are not in their logs")
	}
	name := func(n string) tidemill.TableName { return tidemill.TableName{Schema: "raw", Name: n} }
	f := tidemill.Fold{Log: name("orders__changes"), Target: name("orders"), Write: tidemill.Mirror, Key: []string{"id"}, Keep: time.Minute}
	for _, got := range w.folds {
		if got.Log != f.Log || got.Target != f.Target || got.Write != f.Write || !slices.Equal(got.Key, f.Key) || got.Keep != f.Keep {
			t.Errorf("folded %+v", got)
		}
	}
	if len(w.folds) != 2 { // one try that was busy, one at the end; nothing for the table without a key
		t.Errorf("%d folds", len(w.folds))
	}
	if schema, _ := w.Evolve(t.Context(), tidemill.Table{TableName: f.Target}, nil); schema == nil || !schema.HasField("_version") || !schema.HasField("id") {
		t.Errorf("the mirror is %v", schema)
	}
}

func TestMirrorNeedsFolder(t *testing.T) {
	p := recordPipeline()
	p.Land.Write = "mirror"
	if _, err := land.New(config(t, p, &partSource{}, tidetest.NewFakeWarehouse())); tidemill.CodeOf(err) != tidemill.Invalid {
		t.Errorf("%v", err)
	}
}

// values returns columns of a table's rows, joined and sorted.
func values(w *tidetest.FakeWarehouse, table string, columns ...string) []string {
	var all []string
	for _, r := range w.Rows(table) {
		var row []string
		for _, c := range columns {
			row = append(row, r.Values[c])
		}
		all = append(all, strings.Join(row, "/"))
	}
	slices.Sort(all)
	return all
}
