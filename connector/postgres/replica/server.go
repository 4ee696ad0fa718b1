package replica

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/tidemill/tidemill/connector/postgres/pgoutput"
)

// server is what was learnt of a server.
type server struct {
	version  int // as 150004
	database string
	standby  bool
	level    string        // wal_level
	timeout  time.Duration // wal_sender_timeout, 0 for none
	twoPhase bool          // of the slot
}

// ask learns what a server is.
func ask(ctx context.Context, conn *pgx.Conn) (server, error) {
	var s server
	var timeout float64
	err := conn.QueryRow(ctx, `select current_setting('server_version_num')::int, current_database()::text, pg_is_in_recovery(),
		current_setting('wal_level'), extract(epoch from current_setting('wal_sender_timeout')::interval)::float8`).
		Scan(&s.version, &s.database, &s.standby, &s.level, &timeout)
	s.timeout = time.Duration(timeout * float64(time.Second))
	return s, err
}

// current returns where the log of the server ends.
func current(ctx context.Context, conn *pgx.Conn) (lsn, error) {
	var at string
	err := conn.QueryRow(ctx, `select (case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_lsn() end)::text`).Scan(&at)
	if err != nil {
		return 0, err
	}
	return pgoutput.ParseLSN(at)
}

// identify asks on a replication connection which history the server writes.
func identify(ctx context.Context, conn *pgconn.PgConn) (system string, timeline int32, err error) {
	row, err := single(ctx, conn, "IDENTIFY_SYSTEM")
	if err != nil {
		return "", 0, err
	}
	if len(row) < 2 {
		return "", 0, errors.New("IDENTIFY_SYSTEM: the answer has too few columns")
	}
	n, err := strconv.ParseInt(string(row[1]), 10, 32)
	return string(row[0]), int32(n), err
}

// single runs a command of the replication protocol that answers with a row.
func single(ctx context.Context, conn *pgconn.PgConn, command string) ([][]byte, error) {
	results, err := conn.Exec(ctx, command).ReadAll()
	if err != nil {
		return nil, err
	}
	if len(results) != 1 || len(results[0].Rows) != 1 {
		return nil, fmt.Errorf("%s: the answer is not one row", command)
	}
	return results[0].Rows[0], nil
}

// slot is a row of pg_replication_slots. Which columns there are depends on
// the version of the server.
type slot struct {
	Plugin    string `json:"plugin"`
	Type      string `json:"slot_type"`
	Database  string `json:"database"`
	Active    bool   `json:"active"`
	PID       int    `json:"active_pid"`
	Restart   string `json:"restart_lsn"`
	Confirmed string `json:"confirmed_flush_lsn"`
	Status    string `json:"wal_status"`
	Temporary bool   `json:"temporary"`
	TwoPhase  bool   `json:"two_phase"`
	Conflict  bool   `json:"conflicting"`
	Reason    string `json:"invalidation_reason"`
	Failover  bool   `json:"failover"`
	Retained  int64  `json:"retained"` // bytes of log that are kept for it
	confirmed lsn
}

const slotQuery = `select to_jsonb(s) || jsonb_build_object('retained', coalesce(pg_wal_lsn_diff(
	case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_lsn() end, s.restart_lsn), 0)::int8)
	from pg_replication_slots s where s.slot_name = $1`

// lookUp returns a slot, nil where there is none of that name.
func lookUp(ctx context.Context, conn *pgx.Conn, name string) (*slot, error) {
	var text []byte
	err := conn.QueryRow(ctx, slotQuery, name).Scan(&text)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	s := new(slot)
	if err := json.Unmarshal(text, s); err != nil {
		return nil, fmt.Errorf("read pg_replication_slots: %w", err)
	}
	if s.Confirmed != "" {
		if s.confirmed, err = pgoutput.ParseLSN(s.Confirmed); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// gone says why the log that the slot needs is not there any more, or "".
func (s *slot) gone() string {
	switch {
	case s.Status == "lost":
		return "the server removed the log that it needs, because it fell behind max_slot_wal_keep_size"
	case s.Reason != "":
		return "the server invalidated it: " + s.Reason
	case s.Conflict:
		return "the server invalidated it in recovery"
	}
	return ""
}
