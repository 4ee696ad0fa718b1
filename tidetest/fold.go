package tidetest

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"pgregory.net/rapid"

	"github.com/tidemill/tidemill"
)

// Folding holds a warehouse to the contract of tidemill.Folder: whatever the
// order in which changes come and are folded, a mirror ends as the source is,
// and a history has every version. Open returns an empty warehouse.
func Folding(t *testing.T, open func(t testing.TB) tidemill.Warehouse) {
	w := open(t)
	run := 0
	for _, mode := range []tidemill.WriteMode{tidemill.Mirror, tidemill.History} {
		t.Run(string(mode), func(t *testing.T) {
			rapid.Check(t, func(rt *rapid.T) {
				run++
				f := &foldCase{failer: rt, t: t, w: w, mode: mode, name: fmt.Sprintf("t%d", run)}
				inOrder := divide(rt, changes(rt))
				batches := inOrder
				if rapid.Bool().Draw(rt, "shuffled") {
					batches = rapid.Permutation(inOrder).Draw(rt, "order")
				}
				f.check(inOrder, batches, func() bool { return rapid.Bool().Draw(rt, "fold") })
			})
		})
	}
}

// FoldingOnce folds one example, for a way to a warehouse that is held to
// Folding on another.
func FoldingOnce(t *testing.T, w tidemill.Warehouse) {
	f := &foldCase{failer: t, t: t, w: w, mode: tidemill.Mirror, name: "once"}
	first := []change{{op: tidemill.OpInsert, id: 1, version: 1, a: "a", b: "b"}, {op: tidemill.OpInsert, id: 2, version: 2, a: "c", b: "d"}}
	second := []change{{op: tidemill.OpUpdate, id: 1, version: 3, a: "e", b: "b", unchanged: true}, {op: tidemill.OpDelete, id: 2, version: 4}}
	f.check([][]change{first, second}, [][]change{first, second}, func() bool { return false })
}

// change is one of a source's table of id, a and b, of which b is large and so
// may be left out where it did not change.
type change struct {
	op        tidemill.Op
	id        int64
	version   uint64
	a, b      string
	unchanged bool // b is left out
}

// failer is a *testing.T or a *rapid.T.
type failer interface {
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

type foldCase struct {
	failer
	t    *testing.T
	w    tidemill.Warehouse
	mode tidemill.WriteMode
	name string
}

func (f *foldCase) table() tidemill.TableName {
	return tidemill.TableName{Schema: "folds", Name: f.name}
}

// check lands batches, folds now and then, and compares the table with what a
// reader of all changes in order would have.
func (f *foldCase) check(inOrder, batches [][]change, folds func() bool) {
	f.create()
	for i, b := range batches {
		f.land(fmt.Sprintf("%s-%03d", f.name, i), b)
		if folds() {
			f.fold()
		}
	}
	f.remembered(len(batches))
	f.fold()
	f.remembered(0)
	if r := f.fold(); r != (tidemill.FoldReceipt{}) {
		f.Fatalf("nothing was new, and yet %+v", r)
	}
	want, got := f.want(slices.Concat(inOrder...)), f.got()
	if !slices.Equal(got, want) {
		f.Fatalf("changes %v\nhas  %v\nwant %v", batches, got, want)
	}
}

// remembered checks that the ledger tells what is to be folded.
func (f *foldCase) remembered(batches int) {
	l, err := f.w.Ledger(f.t.Context(), "p-"+f.name)
	if err != nil {
		f.Fatal(err)
	}
	if batches == 0 && len(l.Unfolded) > 0 || len(l.Unfolded) > 1 || len(l.Unfolded) == 1 && l.Unfolded[0].Target != f.table() {
		f.Fatalf("%d batches, and the ledger wants folded %+v", batches, l.Unfolded)
	}
}

// changes draws a life of a few rows.
func changes(t *rapid.T) []change {
	type row struct{ a, b string }
	rows := map[int64]row{}
	var all []change
	text := rapid.StringMatching(`[a-z]{1,3}`)
	for v := range uint64(rapid.IntRange(1, 24).Draw(t, "changes")) {
		c := change{id: rapid.Int64Range(1, 3).Draw(t, "id"), version: v + 1}
		old, there := rows[c.id]
		switch k := rapid.IntRange(0, 11).Draw(t, "kind"); {
		case k == 0:
			c.op, c.id = tidemill.OpTruncate, 0
			clear(rows)
		case !there:
			c.op, c.a, c.b = tidemill.OpInsert, text.Draw(t, "a"), text.Draw(t, "b")
			rows[c.id] = row{c.a, c.b}
		case k <= 3:
			c.op = tidemill.OpDelete
			delete(rows, c.id)
		default:
			c.op, c.a, c.b = tidemill.OpUpdate, text.Draw(t, "a"), old.b
			if c.unchanged = k <= 7; !c.unchanged {
				c.b = text.Draw(t, "b")
			}
			rows[c.id] = row{c.a, c.b}
		}
		all = append(all, c)
	}
	return all
}

// divide puts the changes into batches.
func divide(t *rapid.T, all []change) (batches [][]change) {
	for len(all) > 0 {
		n := rapid.IntRange(1, len(all)).Draw(t, "batch")
		batches, all = append(batches, all[:n]), all[n:]
	}
	return batches
}

var foldColumns = []arrow.Field{
	{Name: "id", Type: arrow.PrimitiveTypes.Int64, Nullable: true},
	{Name: "a", Type: arrow.BinaryTypes.String, Nullable: true},
	{Name: "b", Type: arrow.BinaryTypes.String, Nullable: true},
}

func (f *foldCase) log() tidemill.Table {
	return tidemill.Table{TableName: tidemill.LogName(f.table()), Write: tidemill.Append, Bare: true, Fold: f.how()}
}

func (f *foldCase) how() *tidemill.Fold {
	return &tidemill.Fold{
		Log: tidemill.LogName(f.table()), Target: f.table(), Write: f.mode, Key: []string{"id"}, Keep: time.Hour,
	}
}

func logSchema() *arrow.Schema {
	fields := append(tidemill.RecordFields(), tidemill.ChangeFields()[:3]...)
	return arrow.NewSchema(append(fields, foldColumns...), nil)
}

func (f *foldCase) create() {
	target := tidemill.Table{TableName: f.table(), Write: f.mode, Bare: true}
	fields := append(tidemill.FoldedFields(f.mode), foldColumns...)
	if _, err := f.w.Evolve(f.t.Context(), target, arrow.NewSchema(fields, nil)); err != nil {
		f.Fatal(err)
	}
	if _, err := f.w.Evolve(f.t.Context(), f.log(), logSchema()); err != nil {
		f.Fatal(err)
	}
}

// at is when a version was committed at the source.
func at(version uint64) time.Time { return suiteEpoch.Add(time.Duration(version) * time.Second) }

func (f *foldCase) land(batch string, changes []change) {
	b := array.NewRecordBuilder(memory.DefaultAllocator, logSchema())
	defer b.Release()
	for _, c := range changes {
		b.Field(0).(*array.StringBuilder).Append("p")
		b.Field(1).(*array.StringBuilder).Append(batch)
		b.Field(2).(*array.TimestampBuilder).Append(arrow.Timestamp(at(c.version).UnixMicro()))
		b.Field(3).(*array.TimestampBuilder).Append(arrow.Timestamp(time.Now().UnixMicro()))
		b.Field(4).(*array.StringBuilder).Append(string(c.op))
		b.Field(5).(*array.BinaryBuilder).Append(binary.BigEndian.AppendUint64(nil, c.version))
		unchanged := b.Field(6).(*array.ListBuilder)
		if c.unchanged {
			unchanged.Append(true)
			unchanged.ValueBuilder().(*array.StringBuilder).Append("b")
		} else {
			unchanged.AppendNull()
		}
		appendUnless(c.op == tidemill.OpTruncate, b.Field(7), func(b *array.Int64Builder) { b.Append(c.id) })
		gone := c.op == tidemill.OpTruncate || c.op == tidemill.OpDelete
		appendUnless(gone, b.Field(8), func(b *array.StringBuilder) { b.Append(c.a) })
		appendUnless(gone || c.unchanged, b.Field(9), func(b *array.StringBuilder) { b.Append(c.b) })
	}
	rec := b.NewRecordBatch()
	defer rec.Release()
	_, err := f.w.Commit(f.t.Context(), tidemill.Landing{
		Pipeline: "p-" + f.name, Batch: batch, Rows: []tidemill.TableRows{{Table: f.log(), Records: rec}},
	})
	if err != nil {
		f.Fatal(err)
	}
}

func appendUnless[B array.Builder](null bool, b array.Builder, add func(B)) {
	if null {
		b.AppendNull()
		return
	}
	add(b.(B))
}

func (f *foldCase) fold() tidemill.FoldReceipt {
	r, err := f.w.(tidemill.Folder).Fold(f.t.Context(), *f.how())
	if err != nil {
		f.Fatal(err)
	}
	return r
}

// want is what the changes lead to, read in order.
func (f *foldCase) want(all []change) []string {
	now := map[int64]string{}
	var past []string
	end := func(id int64, c change) {
		if was, ok := now[id]; ok && f.mode == tidemill.History {
			past = append(past, strings.TrimSuffix(was, "-")+at(c.version).Format(time.TimeOnly))
		}
		delete(now, id)
	}
	for _, c := range all {
		if c.op == tidemill.OpTruncate {
			for id := range now {
				end(id, c)
			}
			continue
		}
		end(c.id, c)
		if c.op == tidemill.OpDelete {
			continue
		}
		now[c.id] = fmt.Sprintf("%d %s %s", c.id, c.a, c.b)
		if f.mode == tidemill.History {
			now[c.id] += " " + at(c.version).Format(time.TimeOnly) + " -"
		}
	}
	for _, row := range now {
		past = append(past, row)
	}
	slices.Sort(past)
	return past
}

func (f *foldCase) got() []string {
	s, err := f.w.Session(f.t.Context())
	if err != nil {
		f.Fatal(err)
	}
	defer s.Close()
	text := `id || ' ' || a || ' ' || coalesce(b, 'NULL')`
	if f.mode == tidemill.History {
		text += ` || ' ' || substr(CAST(_valid_from AS VARCHAR), 12, 8) || ' ' || coalesce(substr(CAST(_valid_to AS VARCHAR), 12, 8), '-')`
	}
	rows := column(f.t, s, `SELECT `+text+` FROM folds.`+f.name)
	slices.Sort(rows)
	return rows
}
