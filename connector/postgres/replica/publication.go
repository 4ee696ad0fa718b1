package replica

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/internal/ident"
)

// published is a table of the publication as its stream is.
type published struct {
	tidemill.TableName
	columns []string // that are sent
	key     []string // that identify a row; nil if none do
}

// layout tells of a table which columns are sent and which identify a row.
// Generated columns are not sent, unless a publication of PostgreSQL 18 says
// so, which is told with its columns.
const layout = `select
	array(select a.attname::text from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
		and (a.attgenerated = '' or $4) and (l.names is null or a.attname::text = any(l.names)) order by a.attnum),
	array(select a.attname::text from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attnum = any(i.indkey)
		where i.indrelid = c.oid and a.attnum > 0 and (c.relreplident in ('d', 'f') and i.indisprimary or c.relreplident = 'i' and i.indisreplident)
		order by a.attnum)
	from pg_class c join pg_namespace n on n.oid = c.relnamespace
	join lateral (select case when $5 then (select array(select jsonb_array_elements_text(to_jsonb(p) -> 'attnames')) from pg_publication_tables p
		where p.pubname = $1 and p.schemaname = n.nspname and p.tablename = c.relname) end as names) l on true
	where n.nspname = $2 and c.relname = $3`

// layouts describes tables.
func (s *Source) layouts(ctx context.Context, sql *pgx.Conn, tables []tidemill.TableName) ([]published, error) {
	var all []published
	for _, t := range tables {
		p := published{TableName: t}
		err := sql.QueryRow(ctx, layout, s.config.Publication, t.Schema, t.Name, s.server.version >= 18_00_00, s.server.version >= 15_00_00).Scan(&p.columns, &p.key)
		if err != nil {
			return nil, s.explain(err)
		}
		for _, k := range p.key {
			if !slices.Contains(p.columns, k) {
				p.key = nil
				break
			}
		}
		if len(p.key) == 0 {
			p.key = nil
		}
		all = append(all, p)
	}
	return all, nil
}

// published returns the tables to read: those of the publication, which it
// makes where it may.
func (s *Source) published(ctx context.Context, sql *pgx.Conn) ([]tidemill.TableName, error) {
	there, err := exists(ctx, sql, s.config.Publication)
	if err != nil {
		return nil, s.explain(err)
	}
	if !there {
		if err := s.publish(ctx, sql); err != nil {
			return nil, err
		}
	}
	all, err := publishedTables(ctx, sql, s.config.Publication)
	if err != nil {
		return nil, s.explain(err)
	}
	tables := s.wanted(all)
	if len(tables) == 0 {
		return nil, &tidemill.Error{
			Code: tidemill.NotFound, Op: "follow publication " + s.config.Publication,
			Err:  fmt.Errorf("it has none of the tables to read; it has %s", some(all)),
			Hint: "add them with ALTER PUBLICATION ... ADD TABLE ..., or correct tables in the pipeline's source",
		}
	}
	return tables, nil
}

func exists(ctx context.Context, sql *pgx.Conn, publication string) (there bool, err error) {
	err = sql.QueryRow(ctx, "select exists (select from pg_publication where pubname = $1)", publication).Scan(&there)
	return there, err
}

func publishedTables(ctx context.Context, sql *pgx.Conn, publication string) ([]tidemill.TableName, error) {
	return names(ctx, sql, "select schemaname::text, tablename::text from pg_publication_tables where pubname = $1 order by 1, 2", publication)
}

func names(ctx context.Context, sql *pgx.Conn, query string, args ...any) ([]tidemill.TableName, error) {
	rows, err := sql.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (n tidemill.TableName, err error) {
		err = row.Scan(&n.Schema, &n.Name)
		return n, err
	})
}

// wanted returns those of tables that are to be read.
func (s *Source) wanted(tables []tidemill.TableName) []tidemill.TableName {
	var out []tidemill.TableName
	for _, t := range tables {
		if s.config.Match == nil || s.config.Match(t.Schema, t.Name) {
			out = append(out, t)
		}
	}
	return out
}

// some lists the first few tables.
func some(tables []tidemill.TableName) string {
	const most = 5
	if len(tables) == 0 {
		return "none"
	}
	var list []string
	for _, t := range tables[:min(most, len(tables))] {
		list = append(list, t.String())
	}
	if len(tables) > most {
		list = append(list, "...")
	}
	return strings.Join(list, ", ")
}

// publish makes the publication.
func (s *Source) publish(ctx context.Context, sql *pgx.Conn) error {
	statement, err := s.statement(ctx, sql)
	if err != nil {
		return err
	}
	if !s.config.Create {
		return &tidemill.Error{
			Code: tidemill.NotFound, Op: "follow publication " + s.config.Publication, Err: errors.New("there is no such publication"),
			Hint: "set create: true in the pipeline's source, or run " + statement,
		}
	}
	if _, err := sql.Exec(ctx, statement); err != nil {
		var said *pgconn.PgError
		if errors.As(err, &said) && said.Code == "42501" {
			return &tidemill.Error{
				Code: tidemill.Denied, Op: "make publication " + s.config.Publication, Err: errors.New(said.Message),
				Hint: "have the owner of the tables run " + statement + "; who makes a publication owns its tables and may CREATE in the database",
			}
		}
		return s.explain(err)
	}
	s.log.Info("made a publication", "publication", s.config.Publication)
	return nil
}

// candidates are the tables that a publication may have.
const candidates = `select n.nspname::text, c.relname::text from pg_class c join pg_namespace n on n.oid = c.relnamespace
	where c.relkind = any($1::text[]::"char"[]) and c.relpersistence = 'p' and n.nspname not like 'pg\_%' and n.nspname <> 'information_schema'
	and ($2 or not c.relispartition) order by 1, 2`

// statement returns how the publication is made.
func (s *Source) statement(ctx context.Context, sql *pgx.Conn) (string, error) {
	name, err := ident.Quote(tidemill.Postgres, s.config.Publication)
	if err != nil {
		return "", err
	}
	options := ""
	if s.config.Root {
		options = " WITH (publish_via_partition_root = true)"
	}
	if s.config.AllTables {
		return "CREATE PUBLICATION " + name + " FOR ALL TABLES" + options, nil
	}
	kinds := []string{"r"}
	if s.config.Root {
		kinds = append(kinds, "p")
	}
	all, err := names(ctx, sql, candidates, kinds, !s.config.Root)
	if err != nil {
		return "", s.explain(err)
	}
	var list []string
	for _, t := range s.wanted(all) {
		q, err := ident.Table(tidemill.Postgres, t)
		if err != nil {
			return "", err
		}
		list = append(list, q)
	}
	if len(list) == 0 {
		return "", &tidemill.Error{
			Code: tidemill.NotFound, Op: "make publication " + s.config.Publication, Err: fmt.Errorf("none of the tables to read is there; there are %s", some(all)),
			Hint: "correct tables in the pipeline's source",
		}
	}
	return "CREATE PUBLICATION " + name + " FOR TABLE " + strings.Join(list, ", ") + options, nil
}
