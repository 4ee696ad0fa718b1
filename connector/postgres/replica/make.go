package replica

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/connector/postgres/pgoutput"
	"github.com/tidemill/tidemill/internal/ident"
)

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
