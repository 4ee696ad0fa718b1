package tidetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/tidemill/tidemill"
)

// Commit keeps the contract of tidemill.Warehouse.
func (w *FakeWarehouse) Commit(ctx context.Context, l tidemill.Landing) (tidemill.Receipt, error) {
	err := w.fault(ctx, BeforeCommit, l)
	if errors.Is(err, ErrDetached) {
		w.detach(l)
		return tidemill.Receipt{}, tidemill.Transient(err)
	}
	if err != nil {
		return tidemill.Receipt{}, err
	}
	receipt, err := w.apply(l)
	if err != nil {
		return tidemill.Receipt{}, err
	}
	if err := w.fault(ctx, AfterCommit, l); err != nil {
		return tidemill.Receipt{}, err
	}
	return receipt, nil
}

// detach commits l later, whatever becomes of the caller. A second failure
// has nobody to tell.
func (w *FakeWarehouse) detach(l tidemill.Landing) {
	for _, r := range l.Rows {
		r.Records.Retain()
	}
	w.detached.Go(func() {
		defer func() {
			for _, r := range l.Rows {
				r.Records.Release()
			}
		}()
		if w.Detached != nil {
			w.Detached(l)
		}
		_, _ = w.apply(l)
	})
}

// apply is the transaction: the lock makes commits serial, and nothing is
// written before all is checked.
func (w *FakeWarehouse) apply(l tidemill.Landing) (tidemill.Receipt, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	ledger := w.ledgers[l.Pipeline]
	if ledger == nil {
		ledger = &fakeLedger{marks: map[string]tidemill.Position{}, receipts: map[string]tidemill.Receipt{}}
	}
	if r, ok := ledger.receipts[l.Batch]; ok {
		r.Repeated = true
		return r, nil
	}
	if err := w.check(l, ledger); err != nil {
		return tidemill.Receipt{}, err
	}
	receipt := tidemill.Receipt{Duplicates: l.Duplicates}
	for _, r := range l.Rows {
		w.insert(l.Pipeline, r, l.Since, &receipt)
	}
	for _, d := range l.Dead {
		w.bury(l.Pipeline, d, &receipt)
	}
	for _, m := range l.Marks {
		ledger.marks[m.Scope] = bytes.Clone(m.To)
	}
	if l.Note != nil {
		ledger.note = bytes.Clone(l.Note)
	}
	ledger.receipts[l.Batch] = receipt
	ledger.order = append(ledger.order, l.Batch)
	w.ledgers[l.Pipeline] = ledger
	return receipt, nil
}

func (w *FakeWarehouse) check(l tidemill.Landing, ledger *fakeLedger) error {
	for _, m := range l.Marks {
		if has := ledger.marks[m.Scope]; !bytes.Equal(has, m.From) {
			return &tidemill.Error{
				Code: tidemill.Fenced, Op: "commit", Pipeline: l.Pipeline,
				Err: fmt.Errorf("%s is at %q, not at %q", m.Scope, has, m.From),
			}
		}
	}
	for _, r := range l.Rows {
		t := w.tables[r.Table.String()]
		if t == nil {
			return &tidemill.Error{Code: tidemill.SQL, Err: fmt.Errorf("table %v does not exist", r.Table)}
		}
		ours := tidemill.SystemFields()
		if r.Table.Bare {
			ours = tidemill.RecordFields()
		}
		for i, f := range r.Records.Schema().Fields() {
			if i < len(ours) && f.Name != ours[i].Name {
				return &tidemill.Error{Code: tidemill.SQL, Err: fmt.Errorf("column %d of %v is %s", i, r.Table, f.Name)}
			}
			has, ok := t.schema.FieldsByName(f.Name)
			if !ok || !arrow.TypeEqual(has[0].Type, f.Type) && !widens(f.Type, has[0].Type) {
				return &tidemill.Error{Code: tidemill.SQL, Err: fmt.Errorf("table %v has no column %s of %v", r.Table, f.Name, f.Type)}
			}
		}
	}
	return nil
}

func (w *FakeWarehouse) insert(pipeline string, r tidemill.TableRows, since time.Time, receipt *tidemill.Receipt) {
	t := w.tables[r.Table.String()]
	deliveries, overtook, keys := map[tidemill.ID]bool{}, map[tidemill.ID]bool{}, map[tidemill.ID]time.Time{}
	for _, row := range t.landed {
		deliveries[row.Delivery] = true
		if !since.IsZero() && !landedAt(row).Before(since) {
			overtook[row.Delivery] = true
		}
		if at := landedAt(row); at.After(keys[row.Key]) {
			keys[row.Key] = at
		}
	}
	receipt.Duplicates += r.Duplicates
	if r.Table.Bare {
		for i := range int(r.Records.NumRows()) {
			receipt.Rows++
			t.put(r.Table, FakeRow{Values: valuesAt(r.Records, i)})
		}
		return
	}
	redelivered := r.Redelivered
	for i := range int(r.Records.NumRows()) {
		row := rowAt(r.Records, i)
		again := len(redelivered) > 0 && redelivered[0] == i
		if again {
			redelivered = redelivered[1:]
			w.settle(pipeline, row.Delivery)
		}
		landed, seen := keys[row.Key]
		switch mode := r.Table.Dedupe.Mode; {
		case again && deliveries[row.Delivery],
			overtook[row.Delivery],
			seen && mode == tidemill.DedupeForever,
			seen && mode == tidemill.DedupeWindow && landedAt(row).Sub(landed) <= r.Table.Dedupe.Window:
			receipt.Duplicates++
			continue
		}
		deliveries[row.Delivery], keys[row.Key] = true, landedAt(row)
		receipt.Rows++
		t.put(r.Table, row)
	}
}

// put appends row, or replaces the row of the same key in an upsert.
func (t *fakeTable) put(table tidemill.Table, row FakeRow) {
	t.landed = append(t.landed, row)
	if table.Write == tidemill.Upsert {
		for i, has := range t.rows {
			if upsertKey(table, has) != upsertKey(table, row) {
				continue
			}
			if table.Version == "" || row.Values[table.Version] >= has.Values[table.Version] {
				t.rows[i] = row
			}
			return
		}
	}
	t.rows = append(t.rows, row)
}

func upsertKey(t tidemill.Table, row FakeRow) string {
	var parts []string
	for _, c := range t.Key {
		parts = append(parts, fmt.Sprintf("%q", row.Values[c]))
	}
	return strings.Join(parts, ",")
}

func (w *FakeWarehouse) bury(pipeline string, d tidemill.DeadLetter, receipt *tidemill.Receipt) {
	for _, has := range w.letters {
		if has.Delivery == d.Delivery && has.Pipeline == pipeline {
			receipt.Duplicates++
			return
		}
	}
	receipt.Dead++
	w.letters = append(w.letters, &FakeLetter{DeadLetter: d, Pipeline: pipeline})
}

func (w *FakeWarehouse) settle(pipeline string, delivery tidemill.ID) {
	for _, d := range w.letters {
		if d.Delivery == delivery && d.Pipeline == pipeline {
			d.Settled = true
		}
	}
}

func valuesAt(records arrow.RecordBatch, i int) map[string]string {
	values := map[string]string{}
	for c, f := range records.Schema().Fields() {
		if records.Column(c).IsValid(i) {
			values[f.Name] = strings.Clone(records.Column(c).ValueStr(i))
		}
	}
	return values
}

func rowAt(records arrow.RecordBatch, i int) FakeRow {
	row := FakeRow{Values: valuesAt(records, i)}
	row.Key, row.Delivery, row.PayloadHash = idAt(records, 0, i), idAt(records, 1, i), idAt(records, 2, i)
	return row
}

func idAt(records arrow.RecordBatch, column, i int) (id tidemill.ID) {
	c := records.Column(column)
	if e, ok := c.(array.ExtensionArray); ok {
		c = e.Storage()
	}
	copy(id[:], c.(*array.FixedSizeBinary).Value(i))
	return id
}

func landedAt(row FakeRow) time.Time {
	t, _ := time.Parse("2006-01-02T15:04:05.999999Z0700", row.Values[tidemill.ColumnLandedAt])
	return t
}
