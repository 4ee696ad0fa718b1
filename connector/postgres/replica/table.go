package replica

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/tidemill/tidemill/connector/postgres/column"
	"github.com/tidemill/tidemill/connector/postgres/pgoutput"
)

// table is a table as the stream described it last.
type table struct {
	relation *pgoutput.Relation
	stream   string
	skip     bool // it is not among the tables to read

	key    []int // columns that identify a row
	names  []string
	rows   *rows
	outbox *outbox // where its rows are messages
	told   bool    // that an outbox had changes which are no messages
}

// describe learns a table. One that has not changed stays the same, so that
// its rows stay in one record.
func (f *feed) describe(ctx context.Context, r *pgoutput.Relation) error {
	if r.Namespace == "" {
		r.Namespace = "pg_catalog"
	}
	if t := f.tables[r.ID]; t != nil && sameTable(t.relation, r) {
		return nil
	}
	f.s.mu.Lock()
	if old := f.tables[r.ID]; old != nil {
		f.s.pending.settle(old)
	}
	f.s.mu.Unlock()
	t := &table{relation: r, stream: r.Namespace + "." + r.Name}
	f.tables[r.ID] = t
	if f.s.config.Match != nil && !f.s.config.Match(r.Namespace, r.Name) {
		t.skip = true
		return nil
	}
	if f.s.config.Message.Value != "" {
		var err error
		t.outbox, err = newOutbox(f.s.config.Message, t)
		return err
	}
	cols, err := f.columns(ctx, r)
	if err == nil {
		t.rows = newRows(cols)
		err = f.identify(ctx, t)
	}
	if err != nil {
		return fmt.Errorf("read the columns of %s: %w", t.stream, err)
	}
	return nil
}

// errText says that a table has a column of which only the text is understood,
// while the server was asked for the binary form.
var errText = errors.New("a table needs the text form of values")

// columns returns a builder of a table's columns.
func (f *feed) columns(ctx context.Context, r *pgoutput.Relation) (*column.Builder, error) {
	cols := make([]column.Column, len(r.Columns))
	for i, c := range r.Columns {
		cols[i] = column.Column{Name: c.Name, OID: c.Type, Typmod: c.Typmod}
	}
	err := f.catalog.ask(ctx, func(ctx context.Context, conn *pgx.Conn) (err error) {
		cols, err = column.Resolve(ctx, conn, cols, f.s.config.Columns)
		return err
	})
	if err != nil {
		return nil, err
	}
	for _, c := range cols {
		if f.binary && !c.Binary() {
			return nil, errText
		}
	}
	return column.NewBuilder(cols)
}

func sameTable(a, b *pgoutput.Relation) bool {
	return a.Namespace == b.Namespace && a.Name == b.Name && a.Identity == b.Identity && slices.Equal(a.Columns, b.Columns)
}

// identify finds the columns that identify a row: those of the replica
// identity or, where that is the full row, of the primary key.
func (f *feed) identify(ctx context.Context, t *table) error {
	names := map[string]bool{}
	if t.relation.Identity == pgoutput.IdentityFull {
		var primary []string
		err := f.catalog.ask(ctx, func(ctx context.Context, conn *pgx.Conn) (err error) {
			primary, err = primaryKey(ctx, conn, t.relation.ID)
			return err
		})
		if err != nil {
			return err
		}
		for _, n := range primary {
			names[n] = true
		}
	} else {
		for _, c := range t.relation.Columns {
			if c.Key {
				names[c.Name] = true
			}
		}
	}
	for i, c := range t.relation.Columns {
		if names[c.Name] {
			t.key = append(t.key, i)
			t.names = append(t.names, c.Name)
		}
	}
	if len(t.key) != len(names) {
		t.key, t.names = nil, nil // a column of the key is not published
	}
	return nil
}

// primaryKey returns the columns of a table's primary key.
func primaryKey(ctx context.Context, conn *pgx.Conn, id uint32) ([]string, error) {
	rows, err := conn.Query(ctx, `select a.attname::text from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attnum = any(i.indkey)
		where i.indrelid = $1::oid and i.indisprimary`, id)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// moved reports whether the key of old is another than that of new.
func (t *table) moved(old, new []pgoutput.Value) bool {
	for _, i := range t.key {
		if i < len(old) && i < len(new) && (old[i].Kind != new[i].Kind || !bytes.Equal(old[i].Data, new[i].Data)) &&
			new[i].Kind != pgoutput.Unchanged {
			return true
		}
	}
	return false
}

// fill puts values that were not sent into new, where the old row has them.
func fill(new, old []pgoutput.Value) {
	for i := range new {
		if new[i].Kind == pgoutput.Unchanged && i < len(old) && old[i].Data != nil {
			new[i] = old[i]
		}
	}
}
