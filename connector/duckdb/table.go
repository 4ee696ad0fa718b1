package duckdb

import (
	"context"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/internal/ident"
	"github.com/tidemill/tidemill/sqlgen"
)

// table is the rows of one table in a landing.
type table struct {
	tidemill.TableRows
	keys, deliveries []tidemill.ID
	landedAt         time.Time
	redelivered      []bool
	drop             []bool // rows that are duplicates
	removed          duplicates
	identities       tidemill.TableName // the table that knows all that has landed
}

// newTable reads the identities of r and removes what is twice in it.
func newTable(r tidemill.TableRows) (*table, error) {
	if err := wellFormed(r); err != nil {
		return nil, err
	}
	n := int(r.Records.NumRows())
	t := &table{TableRows: r, drop: make([]bool, n), removed: duplicates{batch: r.Duplicates}}
	if r.Table.Bare {
		return t, nil
	}
	t.redelivered = make([]bool, n)
	t.keys, t.deliveries = column(r.Records, 0), column(r.Records, 1)
	for _, i := range r.Redelivered {
		if i < 0 || i >= n {
			return nil, fmt.Errorf("redelivered row %d of %d", i, n)
		}
		t.redelivered[i] = true
	}
	if n > 0 {
		t.landedAt = r.Records.Column(6).(*array.Timestamp).Value(0).ToTime(arrow.Microsecond)
	}
	t.dedupe()
	return t, nil
}

// wellFormed reports whether the records begin with the columns that every
// row of the table has.
func wellFormed(r tidemill.TableRows) error {
	if r.Records == nil {
		return errors.New("there are no records")
	}
	fields, wanted := r.Records.Schema().Fields(), tidemill.SystemFields()
	if r.Table.Bare {
		wanted = tidemill.RecordFields()
	}
	for i, want := range wanted {
		if i >= len(fields) || fields[i].Name != want.Name || !arrow.TypeEqual(fields[i].Type, want.Type) {
			return fmt.Errorf("column %d is not %s %s", i, want.Name, want.Type)
		}
		if !want.Nullable && r.Records.Column(i).NullN() > 0 {
			return fmt.Errorf("column %s has nulls", want.Name)
		}
	}
	if r.Table.Write == tidemill.Upsert && len(r.Table.Key) == 0 {
		return errors.New("an upsert needs a key")
	}
	return nil
}

func column(rec arrow.RecordBatch, i int) []tidemill.ID {
	values := rec.Column(i).(array.ExtensionArray).Storage().(*array.FixedSizeBinary)
	ids := make([]tidemill.ID, values.Len())
	for j := range ids {
		ids[j] = tidemill.ID(values.Value(j))
	}
	return ids
}

// dedupe drops rows that another row before them in the batch equals: by key,
// and redelivered ones by delivery too.
func (t *table) dedupe() {
	byKey := t.Table.Dedupe.Mode == tidemill.DedupeWindow || t.Table.Dedupe.Mode == tidemill.DedupeForever
	keys, deliveries := make(map[tidemill.ID]bool, len(t.drop)), map[tidemill.ID]bool{}
	for i := range t.drop {
		if byKey && keys[t.keys[i]] || t.redelivered[i] && deliveries[t.deliveries[i]] {
			t.drop[i] = true
			t.removed.batch++
		}
		if byKey {
			keys[t.keys[i]] = true
		}
		if len(t.Redelivered) > 0 {
			deliveries[t.deliveries[i]] = true
		}
	}
}

// landed is how many rows are left.
func (t *table) landed() int64 {
	n := int64(0)
	for _, d := range t.drop {
		if !d {
			n++
		}
	}
	return n
}

// discard drops the rows whose indexes a look-up returned, and counts them.
func (t *table) discard(found [][]driver.Value, counter *int64) {
	for _, row := range found {
		if i := row[0].(int64); !t.drop[i] {
			t.drop[i] = true
			*counter++
		}
	}
}

// recogniseRows drops the rows of t that have landed before.
func (c *landing) recogniseRows(ctx context.Context, t *table) error {
	t.identities = t.Table.TableName
	if t.Table.Bare {
		return nil
	}
	if t.Table.Write == tidemill.Upsert { // its rows are overwritten
		t.identities = companion(t.Table.TableName)
		if _, err := c.conn.run(ctx, sqlgen.CreateSeen{Seen: t.identities, From: t.Table.TableName}); err != nil {
			return err
		}
	}
	if err := c.findDeliveries(ctx, t); err != nil {
		return err
	}
	if err := c.findOvertaken(ctx, t); err != nil {
		return err
	}
	return c.findKeys(ctx, t)
}

// prepareRows writes the rows that are left.
func (c *landing) prepareRows(ctx context.Context, t *table) error {
	if t.Table.Fold != nil {
		how, err := json.Marshal(t.Table.Fold)
		if err != nil {
			return err
		}
		c.step("note the changes of "+t.Table.String(), sqlgen.InsertUnfolded{}, ledgerName(t.Table.TableName), c.Batch, c.Pipeline, string(how))
	}
	if t.Table.Write == tidemill.Upsert {
		return c.prepareUpsert(ctx, t)
	}
	return c.prepareInsert(t)
}

// companion names the table of the identities of an upsert table. The length
// of the schema's name keeps a__b.c and a.b__c apart.
func companion(t tidemill.TableName) tidemill.TableName {
	name := fmt.Sprintf("seen_%d_%s__%s", len(t.Schema), t.Schema, t.Name)
	return tidemill.TableName{Schema: "tidemill", Name: ident.Bounded(tidemill.DuckDB, name)}
}
