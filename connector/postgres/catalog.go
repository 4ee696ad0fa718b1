package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/connector/postgres/column"
	"github.com/tidemill/tidemill/internal/ident"
)

// table is a table, or a query that is read like one.
type table struct {
	name    tidemill.TableName
	query   string // of a query; "" for a table
	oid     uint32
	kind    string // relkind
	file    uint32 // relfilenode: another one after the table was rewritten
	rows    int64  // about; of a query 0
	mayRead bool

	columns []column.Column
	key     []string // columns that identify a row; nil if none are known
}

// find returns what opts reads, if all of it can be read so.
func (s *server) find(ctx context.Context, conn *pgx.Conn, opts Options) ([]*table, error) {
	var tables []*table
	var err error
	if opts.Query == "" {
		tables, err = s.tables(ctx, conn, opts)
	} else {
		tables = make([]*table, 1)
		tables[0], err = s.describeQuery(ctx, conn, opts)
	}
	if err != nil {
		return nil, err
	}
	for _, t := range tables {
		if err := opts.Message.fits(t); err != nil {
			return nil, err
		}
	}
	return tables, s.readable(tables)
}

const listTables = `select n.nspname, c.relname, c.oid, c.relkind::text, coalesce(pg_relation_filenode(c.oid), 0),
	(select coalesce(sum(case when p.reltuples > 0 then p.reltuples else pg_relation_size(p.oid) / 100 end), 0)::int8
		from pg_class p where p.oid = c.oid and p.relkind <> 'p'
		or p.oid in (select relid from pg_partition_tree(c.oid) where isleaf and c.relkind = 'p')),
	has_table_privilege(c.oid, 'SELECT') or has_any_column_privilege(c.oid, 'SELECT'), c.relispartition
from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p', 'v', 'm', 'f') and n.nspname not in ('pg_catalog', 'information_schema') and n.nspname !~ '^pg_(toast|temp)'
order by 1, 2`

// tables finds the tables that opts names. A pattern that names none is an
// error.
func (s *server) tables(ctx context.Context, conn *pgx.Conn, opts Options) ([]*table, error) {
	rows, err := conn.Query(ctx, listTables)
	if err != nil {
		return nil, s.explain(err)
	}
	var found []*table
	var all []tidemill.TableName
	var t table
	var partition bool
	_, err = pgx.ForEachRow(rows, []any{&t.name.Schema, &t.name.Name, &t.oid, &t.kind, &t.file, &t.rows, &t.mayRead, &partition}, func() error {
		all = append(all, t.name)
		ok, exact := opts.chosen(t.name)
		if ok && (exact || t.kind == "r" && !partition || t.kind == "p" && !partition || t.kind == "m") {
			c := t
			found = append(found, &c)
		}
		return nil
	})
	if err != nil {
		return nil, s.explain(err)
	}
	for _, p := range opts.Tables {
		if !slices.ContainsFunc(found, func(t *table) bool { ok, _ := matches(p, t.name); return ok }) {
			return nil, s.missing(p, opts, all)
		}
	}
	for _, t := range found {
		if err := s.describe(ctx, conn, t, opts.columns()); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// missing explains why no table is read for a pattern.
func (s *server) missing(pattern string, opts Options, all []tidemill.TableName) error {
	excluded := slices.ContainsFunc(all, func(n tidemill.TableName) bool { ok, _ := matches(pattern, n); return ok })
	err := fmt.Errorf("no table %s", pattern)
	hint := "tables are named schema.table as they are in the catalog, mostly in small letters"
	if excluded && len(opts.Exclude) > 0 {
		err = fmt.Errorf("all tables of %s are excluded, or are views", pattern)
	} else if name := nearest(pattern, all); name != "" {
		hint = "there is " + name
	}
	return s.wrap(tidemill.NotFound, err, hint)
}

// nearest returns a table that pattern may have meant: of the same name in
// another schema or in other letters.
func nearest(pattern string, all []tidemill.TableName) string {
	_, name, dotted := strings.Cut(pattern, ".")
	if !dotted {
		name = pattern
	}
	for _, n := range all {
		if strings.EqualFold(n.Name, name) {
			return n.String()
		}
	}
	return ""
}

const listColumns = `select attname, atttypid, atttypmod, attnotnull from pg_catalog.pg_attribute
where attrelid = $1::int8::oid and attnum > 0 and not attisdropped order by attnum`

// listKey takes the primary key, else the unique index of the fewest columns
// that are all declared not null.
const listKey = `select array(select a.attname::text from unnest(i.indkey) with ordinality k(n, at)
	join pg_catalog.pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.n where k.at <= i.indnkeyatts order by k.at)
from pg_catalog.pg_index i
where i.indrelid = $1::int8::oid and i.indisunique and i.indisvalid and i.indimmediate and i.indpred is null and i.indexprs is null
	and not exists (select from unnest(i.indkey) k(n) join pg_catalog.pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.n where not a.attnotnull)
order by i.indisprimary desc, i.indnkeyatts, i.indexrelid limit 1`

// describe reads the columns and the key of t.
func (s *server) describe(ctx context.Context, conn *pgx.Conn, t *table, opts column.Options) error {
	rows, err := conn.Query(ctx, listColumns, int64(t.oid))
	if err != nil {
		return s.explain(err)
	}
	var c column.Column
	t.columns = nil
	_, err = pgx.ForEachRow(rows, []any{&c.Name, &c.OID, &c.Typmod, &c.NotNull}, func() error {
		t.columns = append(t.columns, c)
		return nil
	})
	if err != nil {
		return s.explain(err)
	}
	if len(t.columns) == 0 {
		return s.wrap(tidemill.Invalid, fmt.Errorf("table %s has no columns", t.name), "leave it out with exclude")
	}
	if t.columns, err = column.Resolve(ctx, conn, t.columns, opts); err != nil {
		return s.explain(err)
	}
	err = conn.QueryRow(ctx, listKey, int64(t.oid)).Scan(&t.key)
	if errors.Is(err, pgx.ErrNoRows) {
		t.key, err = nil, nil
	}
	return s.explain(err)
}

// describeQuery makes a query a table. Its text stands alone on its lines, so
// that a comment at its end hides nothing.
func (s *server) describeQuery(ctx context.Context, conn *pgx.Conn, opts Options) (*table, error) {
	t := &table{name: tidemill.TableName{Name: opts.Name}, query: strings.TrimRight(strings.TrimSpace(opts.Query), "; \n\t"), kind: "q", key: opts.Key, mayRead: true}
	d, err := conn.Prepare(ctx, "", "select * from "+t.from())
	if err != nil {
		return nil, s.explain(err)
	}
	if t.columns, err = column.Of(ctx, conn, d.Fields, opts.columns()); err != nil {
		return nil, s.explain(err)
	}
	seen := map[string]bool{}
	for _, c := range t.columns {
		if seen[c.Name] {
			return nil, s.wrap(tidemill.Invalid, fmt.Errorf("query has two columns %q", c.Name), "give one of them another name: SELECT a.id, b.id AS b_id")
		}
		seen[c.Name] = true
	}
	for _, k := range append(slices.Clone(opts.Key), opts.Cursor) {
		if k != "" && !seen[k] {
			return nil, s.wrap(tidemill.NotFound, fmt.Errorf("query has no column %q", k), "add it to the SELECT")
		}
	}
	return t, nil
}

// from returns what stands after FROM: the table, or the query in brackets,
// by the name of q.
func (t *table) from() string {
	if t.query != "" {
		return "(\n" + t.query + "\n) as q"
	}
	name, err := ident.Table(tidemill.Postgres, t.name)
	if err != nil {
		panic("postgres: name from the catalog: " + err.Error()) // the server would not have it
	}
	if t.kind == "r" {
		return "only " + name + " as q" // tables that inherit from it are tables of their own
	}
	return name + " as q"
}

// column returns the column of a name, or nil.
func (t *table) column(name string) *column.Column {
	for i := range t.columns {
		if t.columns[i].Name == name {
			return &t.columns[i]
		}
	}
	return nil
}

// quoted returns a quoted name that came from the catalog or a result.
func quoted(name string) string { return pgx.Identifier{name}.Sanitize() }
