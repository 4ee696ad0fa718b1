package build

import (
	"context"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/pipeline/build/manifest"
	"github.com/tidemill/tidemill/pipeline/build/render"
	"github.com/tidemill/tidemill/pipeline/build/result"
	"github.com/tidemill/tidemill/sqlgen"
)

// asker answers macros on a worker's session.
type asker struct {
	session tidemill.Session
	catalog *catalog
	current string // the database of the session
}

// Query runs SQL of a macro.
func (a asker) Query(ctx context.Context, sql string) (*result.Table, error) {
	return result.Read(ctx, a.session, sql)
}

// Lookup returns the relation with its type, or nil.
func (a asker) Lookup(ctx context.Context, r manifest.Relation) (*render.Relation, error) {
	typ := a.catalog.get(r.Table())
	if typ == "" {
		other, err := loadCatalog(ctx, a.session, a.catalog.dialect, []string{r.Schema})
		if err != nil {
			return nil, err
		}
		if typ = other.get(r.Table()); typ == "" {
			return nil, nil
		}
	}
	return render.NewRelation(a.catalog.dialect, a.current, r, typ), nil
}

// Columns returns the columns of a table or view.
func (a asker) Columns(ctx context.Context, r manifest.Relation) ([]render.Column, error) {
	tables, err := listColumns(ctx, a.session, a.catalog.dialect, r.Table())
	if err != nil {
		return nil, err
	}
	var out []render.Column
	for _, c := range tables[0] {
		out = append(out, render.Column{Name: c.Name, Type: c.Type})
	}
	return out, nil
}

// listColumns returns the columns of each table, in order.
func listColumns(ctx context.Context, s tidemill.Session, d tidemill.Dialect, tables ...tidemill.TableName) ([][]sqlgen.TypedColumn, error) {
	sql, err := sqlgen.Render(d, sqlgen.ListColumns{Tables: tables})
	if err != nil {
		return nil, err
	}
	t, err := result.Read(ctx, s, sql)
	if err != nil {
		return nil, err
	}
	out := make([][]sqlgen.TypedColumn, len(tables))
	for _, row := range t.Rows {
		at := key(result.Text(row[0]), result.Text(row[1]))
		for i, table := range tables {
			if key(table.Schema, table.Name) == at {
				out[i] = append(out[i], sqlgen.TypedColumn{Name: result.Text(row[2]), Type: result.Text(row[3])})
			}
		}
	}
	return out, nil
}
