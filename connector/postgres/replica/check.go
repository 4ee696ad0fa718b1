package replica

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/connector/postgres/pgoutput"
	"github.com/tidemill/tidemill/project"
)

// Check looks at all that a source of config needs of the server, and makes
// nothing.
func Check(ctx context.Context, config Config) []tidemill.Finding {
	s := &Source{config: config}
	if s.config.Heartbeat == 0 {
		s.config.Heartbeat = defaultHeartbeat
	}
	if err := s.config.complete(); err != nil {
		return []tidemill.Finding{failed("replication", err)}
	}
	sql, err := s.config.Dialer.Connect(ctx)
	if err != nil {
		return []tidemill.Finding{failed("connect", err)}
	}
	defer closeSoon(sql)
	if s.server, err = ask(ctx, sql); err != nil {
		return []tidemill.Finding{failed("look at the server", s.explain(err))}
	}
	found := []tidemill.Finding{s.checkLevel(), s.checkRole(ctx)}
	slot, findings := s.checkSlot(ctx, sql)
	found = append(found, findings...)
	if slot == nil {
		found = append(found, s.checkFree(ctx, sql))
	}
	return append(found, s.checkPublication(ctx, sql)...)
}

// failed puts the reason and remedy of err into a finding.
func failed(what string, err error) tidemill.Finding {
	return tidemill.Finding{What: what, Why: err.Error(), Hint: strings.Join(tidemill.Hints(err), "; ")}
}

func (s *Source) checkLevel() tidemill.Finding {
	what := "wal_level " + s.server.level
	if s.server.level == "logical" {
		return tidemill.Finding{OK: true, What: what}
	}
	return failed(what, levelError(s.server.level))
}

// checkRole connects as replication does, which only such a role may.
func (s *Source) checkRole(ctx context.Context) tidemill.Finding {
	const what = "connect for replication"
	conn, err := s.config.Dialer.ConnectReplication(ctx)
	if err != nil {
		return failed(what, s.explainSlot(err))
	}
	_, _, err = identify(ctx, conn)
	if err = errors.Join(err, conn.Close(ctx)); err != nil {
		return failed(what, s.explain(err))
	}
	return tidemill.Finding{OK: true, What: what}
}

func (s *Source) checkSlot(ctx context.Context, sql *pgx.Conn) (*slot, []tidemill.Finding) {
	f := tidemill.Finding{What: "slot " + s.config.Slot}
	found, err := lookUp(ctx, sql, s.config.Slot)
	switch {
	case err != nil:
		return nil, []tidemill.Finding{failed(f.What, s.explain(err))}
	case found == nil && s.config.Create:
		f.OK, f.Why = true, "it is not there yet and will be made"
		return nil, []tidemill.Finding{f}
	case found == nil:
		f.Why = "there is no such slot"
		f.Hint = fmt.Sprintf("set create: true in the pipeline's source, or run SELECT pg_create_logical_replication_slot('%s', 'pgoutput')", s.config.Slot)
		return nil, []tidemill.Finding{f}
	}
	if err := s.fits(found); err != nil {
		return found, []tidemill.Finding{failed(f.What, err)}
	}
	if why := found.gone(); why != "" {
		return found, []tidemill.Finding{failed(f.What, s.lostError(why))}
	}
	f.OK = true
	if found.Active {
		f.What += fmt.Sprintf(", read by process %d of the server", found.PID)
	}
	return found, []tidemill.Finding{f, s.checkRetained(found)}
}

func (s *Source) checkRetained(found *slot) tidemill.Finding {
	f := tidemill.Finding{OK: true, What: fmt.Sprintf("log kept for the slot: %s", project.Bytes(found.Retained))}
	if limit := s.config.WALBudget; limit > 0 && found.Retained > int64(limit) {
		f.Warn, f.Why, f.Hint = true, fmt.Sprintf("that is more than wal_budget, %s", limit), wayOut+fmt.Sprintf(": SELECT pg_drop_replication_slot('%s')", s.config.Slot)
	}
	if found.Status == "unreserved" {
		f.Warn, f.Why, f.Hint = true, "the server is about to remove it: it is more than max_slot_wal_keep_size", wayOut
	}
	return f
}

// checkFree looks whether a slot can be made.
func (s *Source) checkFree(ctx context.Context, sql *pgx.Conn) tidemill.Finding {
	var most, used int
	err := sql.QueryRow(ctx, "select current_setting('max_replication_slots')::int, (select count(*) from pg_replication_slots)").Scan(&most, &used)
	if err != nil {
		return failed("free slots", s.explain(err))
	}
	f := tidemill.Finding{OK: used < most, What: fmt.Sprintf("free slots: %d of %d", most-used, most)}
	if !f.OK {
		f.Why, f.Hint = "all are in use", "drop one that is not needed, or raise max_replication_slots and restart the server"
	}
	return f
}

func (s *Source) checkPublication(ctx context.Context, sql *pgx.Conn) []tidemill.Finding {
	f := tidemill.Finding{What: "publication " + s.config.Publication}
	there, err := exists(ctx, sql, s.config.Publication)
	if err != nil {
		return []tidemill.Finding{failed(f.What, s.explain(err))}
	}
	if !there {
		statement, err := s.statement(ctx, sql)
		if err != nil {
			return []tidemill.Finding{failed(f.What, err)}
		}
		f.OK, f.Why, f.Hint = s.config.Create, "there is no such publication", "set create: true in the pipeline's source, or run "+statement
		if f.OK {
			f.Why, f.Hint = "it is not there yet and will be made: "+statement, ""
		}
		return []tidemill.Finding{f}
	}
	tables, err := s.published(ctx, sql, false)
	if err != nil {
		return []tidemill.Finding{failed(f.What, err)}
	}
	f.OK, f.What = true, fmt.Sprintf("%s: %d tables", f.What, len(tables))
	found := []tidemill.Finding{f}
	if all, err := names(ctx, sql, candidates, []string{"r"}, true); err == nil && s.config.Match != nil {
		if left := without(s.wanted(all), tables); len(left) > 0 {
			found = append(found, tidemill.Finding{
				OK: true, Warn: true, What: "tables that are not published", Why: some(left) + " would be read, but the publication does not have them",
				Hint: "run ALTER PUBLICATION ... ADD TABLE ...; rows that they have already come with a snapshot only",
			})
		}
	}
	return append(found, s.checkIdentities(ctx, sql)...)
}

func without(all, some []tidemill.TableName) []tidemill.TableName {
	have := map[tidemill.TableName]bool{}
	for _, t := range some {
		have[t] = true
	}
	var left []tidemill.TableName
	for _, t := range all {
		if !have[t] {
			left = append(left, t)
		}
	}
	return left
}

// identities tells of each published table how it identifies rows.
const identities = `select p.schemaname::text, p.tablename::text, c.relreplident::text,
	exists (select from pg_index i where i.indrelid = c.oid and i.indisprimary),
	exists (select from pg_index i where i.indrelid = c.oid and i.indisreplident)
	from pg_publication_tables p join pg_namespace n on n.nspname = p.schemaname join pg_class c on c.relnamespace = n.oid and c.relname = p.tablename
	where p.pubname = $1 order by 1, 2`

// checkIdentities warns of tables whose updates and deletes cannot be told.
func (s *Source) checkIdentities(ctx context.Context, sql *pgx.Conn) []tidemill.Finding {
	rows, err := sql.Query(ctx, identities, s.config.Publication)
	if err != nil {
		return []tidemill.Finding{failed("replica identities", s.explain(err))}
	}
	var found []tidemill.Finding
	var t tidemill.TableName
	var identity string
	var primary, index bool
	_, err = pgx.ForEachRow(rows, []any{&t.Schema, &t.Name, &identity, &primary, &index}, func() error {
		if s.config.Message.Value != "" || s.config.Match != nil && !s.config.Match(t.Schema, t.Name) {
			return nil
		}
		f := tidemill.Finding{OK: true, What: "replica identity of " + t.String()}
		switch pgoutput.Identity(identity[0]) {
		case pgoutput.IdentityFull:
			if !primary {
				f.Warn, f.Why = true, "it is full, without a primary key: nothing identifies a row, so that its changes can only be appended"
				f.Hint = "give it a primary key, or land it with write: append"
			}
		case pgoutput.IdentityDefault, pgoutput.IdentityIndex:
			if identity == "d" && !primary || identity == "i" && !index {
				f.Warn, f.Why = true, "it has none: the server refuses to update or delete its rows while it is published"
				f.Hint = "give it a primary key, or run ALTER TABLE ... REPLICA IDENTITY FULL"
			}
		default:
			f.Warn, f.Why = true, "it is nothing: the server refuses to update or delete its rows while it is published"
			f.Hint = "run ALTER TABLE ... REPLICA IDENTITY DEFAULT, or FULL"
		}
		found = append(found, f)
		return nil
	})
	if err != nil {
		return []tidemill.Finding{failed("replica identities", s.explain(err))}
	}
	return found
}
