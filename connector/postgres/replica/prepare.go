package replica

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/connector/postgres/pgoutput"
	"github.com/tidemill/tidemill/internal/ident"
	"github.com/tidemill/tidemill/internal/retry"
)

// complete puts names in the place of those that are not set, and checks
// those that are.
func (c *Config) complete() error {
	if c.Slot == "" {
		c.Slot = SlotName(c.Pipeline)
	}
	if c.Publication == "" {
		c.Publication = c.Slot
	}
	if !isSlotName(c.Slot) {
		return &tidemill.Error{
			Code: tidemill.Invalid, Op: "follow changes", Err: fmt.Errorf("slot %q is no name of a slot", c.Slot),
			Hint: "name it with at most 63 of the characters a-z, 0-9 and _",
		}
	}
	if c.Heartbeat < leastHeartbeat {
		return &tidemill.Error{
			Code: tidemill.Invalid, Op: "follow changes", Err: fmt.Errorf("heartbeat %s is too short", c.Heartbeat),
			Hint: "set heartbeat: 30s, or anything from 1s",
		}
	}
	return nil
}

func isSlotName(s string) bool {
	return s != "" && len(s) <= 63 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789_") == ""
}

// SlotName is the slot of a pipeline that names none.
func SlotName(pipeline string) string {
	name := strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z', '0' <= r && r <= '9':
			return r
		case 'A' <= r && r <= 'Z':
			return r - 'A' + 'a'
		}
		return '_'
	}, ident.Bounded(tidemill.Postgres, "tidemill_"+pipeline))
	return name[:min(len(name), 63)]
}

// prepare decides how reading begins.
func (s *Source) prepare(ctx context.Context, stored *position, from []tidemill.Mark) error {
	sql, err := s.config.Dialer.Connect(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = closeSoon(sql) }()
	if s.server, err = ask(ctx, sql); err != nil {
		return s.explain(err)
	}
	conn, err := s.config.Dialer.ConnectReplication(ctx)
	if err != nil {
		return s.explainSlot(err)
	}
	keep := false
	defer func() {
		if !keep {
			_ = conn.Close(ctx) // nothing is under way
		}
	}()
	at := position{}
	if at.System, at.Timeline, err = identify(ctx, conn); err != nil {
		return s.explain(err)
	}
	found, err := s.await(ctx, sql)
	if err != nil {
		return err
	}
	tables, err := s.published(ctx, sql)
	if err != nil {
		return err
	}
	id, err := s.place(ctx, sql, conn, found, stored, at)
	if err != nil {
		return err
	}
	if !s.pending.at.Snapshot {
		return nil
	}
	var holder *pgconn.PgConn
	if id != "" {
		keep, holder = true, conn
	}
	described, err := s.layouts(ctx, sql, tables)
	if err == nil {
		s.snapshot, err = s.newSnapshot(ctx, described, id, holder, from)
	}
	return err
}

// await returns the slot. One that another process reads is waited for.
func (s *Source) await(ctx context.Context, sql *pgx.Conn) (*slot, error) {
	began, told := time.Now(), false
	for {
		found, err := lookUp(ctx, sql, s.config.Slot)
		if err != nil {
			return nil, s.explain(err)
		}
		if found == nil || !found.Active {
			return found, nil
		}
		if time.Since(began) > takeOver {
			return nil, &tidemill.Error{
				Code: tidemill.Unavailable, Op: "follow slot " + s.config.Slot, Err: fmt.Errorf("process %d of the server reads it for another", found.PID),
				Hint: fmt.Sprintf("end the other reader, or give each pipeline a slot of its own; SELECT pg_terminate_backend(%d) ends it at the server", found.PID),
			}
		}
		if !told {
			told = true
			s.log.Info("another process reads the slot, waiting for it to end", "slot", s.config.Slot, "pid", found.PID)
		}
		if err := retry.Sleep(ctx, 200*time.Millisecond); err != nil {
			return nil, err
		}
	}
}

// place sets where reading begins. Where a slot is made it returns the name
// of the snapshot that shows the tables as they are at its beginning.
func (s *Source) place(ctx context.Context, sql *pgx.Conn, conn *pgconn.PgConn, found *slot, stored *position, at position) (id string, err error) {
	if found != nil {
		if err := s.fits(found); err != nil {
			return "", err
		}
		s.server.twoPhase = found.TwoPhase
	}
	at.Epoch = 1
	if stored != nil {
		why := s.gap(found, *stored, at)
		if why == "" && found != nil {
			s.pending.at = *stored
			return "", nil
		}
		if s.config.OnLost != "snapshot" {
			return "", s.lostError(why)
		}
		s.log.Warn("changes were lost, reading all tables again", "slot", s.config.Slot, "why", why)
		at.Epoch = stored.Epoch + 1
		if found != nil {
			if _, err := sql.Exec(ctx, "select pg_drop_replication_slot($1)", s.config.Slot); err != nil {
				return "", s.explain(err)
			}
			found = nil
		}
	}
	if found == nil {
		if at.LSN, id, err = s.makeSlot(ctx, conn, stored != nil); err != nil {
			return "", err
		}
	} else {
		if why := found.gone(); why != "" {
			return "", s.lostError(why)
		}
		at.LSN = found.confirmed
	}
	at.Snapshot = s.config.Options.Snapshot != "never" && s.config.Snapshot != nil
	s.pending.at = at
	return id, nil
}

// gap says why changes after a stored position are not to be had, or "".
func (s *Source) gap(found *slot, stored, at position) string {
	switch {
	case stored.System != at.System:
		return fmt.Sprintf("the server is another one: its system identifier is %s, not %s", at.System, stored.System)
	case stored.Timeline != at.Timeline:
		return fmt.Sprintf("the server writes timeline %d, not %d: it is a standby that took over, or was restored", at.Timeline, stored.Timeline)
	case found == nil:
		return "there is no such slot any more"
	case found.gone() != "":
		return found.gone()
	case found.confirmed > stored.LSN:
		return fmt.Sprintf("the slot is at %s, but only what came before %s is committed: it was made again, or another process reads it", found.confirmed, stored.LSN)
	}
	return ""
}

// lostError says that changes were lost.
func (s *Source) lostError(why string) error {
	return &tidemill.Error{
		Code: tidemill.NotFound, Op: "follow slot " + s.config.Slot, Err: errors.New(why),
		Hint: "changes were lost, so that the tables must be read again: set on_lost: snapshot in the pipeline's source",
	}
}

// fits checks that a slot is one that we can read.
func (s *Source) fits(found *slot) error {
	wrong := ""
	switch {
	case found.Type != "logical":
		wrong = "it is a slot of physical replication"
	case found.Plugin != "pgoutput":
		wrong = fmt.Sprintf("its plugin is %s, not pgoutput", found.Plugin)
	case found.Database != s.server.database:
		wrong = fmt.Sprintf("it belongs to the database %s, not %s", found.Database, s.server.database)
	}
	if wrong == "" {
		return nil
	}
	return &tidemill.Error{
		Code: tidemill.Invalid, Op: "follow slot " + s.config.Slot, Err: errors.New(wrong),
		Hint: "name another slot in the pipeline's source",
	}
}

// makeSlot makes the slot. It returns its consistent point and the name of
// the snapshot that shows the tables at that point, which holds until conn is
// used or closed.
func (s *Source) makeSlot(ctx context.Context, conn *pgconn.PgConn, again bool) (at lsn, id string, err error) {
	name, err := ident.Quote(tidemill.Postgres, s.config.Slot)
	if err != nil {
		return 0, "", err
	}
	if !s.config.Create && !again {
		return 0, "", &tidemill.Error{
			Code: tidemill.NotFound, Op: "follow slot " + s.config.Slot, Err: errors.New("there is no such slot"),
			Hint: fmt.Sprintf("set create: true in the pipeline's source, or run SELECT pg_create_logical_replication_slot('%s', 'pgoutput')", s.config.Slot),
		}
	}
	if s.server.level != "logical" {
		return 0, "", levelError(s.server.level)
	}
	row, err := single(ctx, conn, "CREATE_REPLICATION_SLOT "+name+" LOGICAL pgoutput "+s.slotOptions())
	if err != nil {
		return 0, "", s.explainSlot(err)
	}
	if len(row) < 3 {
		return 0, "", errors.New("CREATE_REPLICATION_SLOT: the answer has too few columns")
	}
	at, err = pgoutput.ParseLSN(string(row[1]))
	s.log.Info("made a slot", "slot", s.config.Slot, "at", at.String())
	return at, string(row[2]), err
}

// slotOptions are those of the slot that is made.
func (s *Source) slotOptions() string {
	if s.server.version < 15_00_00 {
		return "EXPORT_SNAPSHOT"
	}
	options := "SNAPSHOT 'export'"
	if s.config.TwoPhase {
		options += ", TWO_PHASE"
		s.server.twoPhase = true
	}
	if s.server.version >= 17_00_00 && !s.server.standby {
		options += ", FAILOVER"
	}
	return "(" + options + ")"
}

func levelError(level string) error {
	return &tidemill.Error{
		Code: tidemill.Invalid, Op: "follow changes", Err: fmt.Errorf("wal_level of the server is %s, not logical", level),
		Hint: "run ALTER SYSTEM SET wal_level = logical and restart the server; on Amazon RDS set rds.logical_replication = 1 in its parameter group and reboot",
	}
}

// explainSlot explains why the server let no slot be used or made.
func (s *Source) explainSlot(err error) error {
	var said *pgconn.PgError
	if !errors.As(err, &said) {
		return s.explain(err)
	}
	e := &tidemill.Error{Code: tidemill.Denied, Op: "follow slot " + s.config.Slot, Err: errors.New(said.Message)}
	switch said.Code {
	case "42501":
		e.Hint = "run ALTER ROLE ... REPLICATION for the role of the connection; on Amazon RDS run GRANT rds_replication TO it"
	case "53400", "55000":
		e.Code = tidemill.Unavailable
		e.Hint = "all slots are in use: drop one that is not needed, or raise max_replication_slots and restart the server"
	default:
		if tidemill.CodeOf(err) != "" {
			return err
		}
		return s.explain(err)
	}
	return e
}

// inspect looks at what the server has after an error of the stream.
func (s *Source) inspect(ctx context.Context) error {
	sql, err := s.config.Dialer.Connect(ctx)
	if err != nil {
		return nil //nolint:nilerr // the first error says more
	}
	defer func() { _ = closeSoon(sql) }()
	found, err := lookUp(ctx, sql, s.config.Slot)
	if err != nil {
		return nil //nolint:nilerr // the first error says more
	}
	s.mu.Lock()
	at := s.pending.at
	s.mu.Unlock()
	if why := s.gap(found, at, at); why != "" {
		return s.lostError(why)
	}
	_, err = s.published(ctx, sql)
	return err
}
