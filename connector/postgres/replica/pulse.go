package replica

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/tidemill/tidemill/project"
)

// within bounds one heartbeat.
const within = 15 * time.Second

// pulse writes a small message into the log of an idle database, so that the
// slot has something to advance to, and watches how much log the slot keeps.
func (s *Source) pulse(ctx context.Context) {
	tick := time.NewTicker(s.config.Heartbeat)
	defer tick.Stop()
	var conn *pgx.Conn
	defer func() {
		if conn != nil {
			_ = closeSoon(conn)
		}
	}()
	over := false
	var last lsn
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		s.mu.Lock()
		quiet := s.pending.at.LSN == last && s.wire != nil
		last = s.pending.at.LSN
		s.mu.Unlock()
		once, cancel := context.WithTimeout(ctx, within)
		var err error
		if conn == nil {
			conn, err = s.config.Dialer.Connect(once)
		}
		if err == nil && quiet && !s.server.standby {
			_, err = conn.Exec(once, "select pg_logical_emit_message(true, 'tidemill', '')")
		}
		if err == nil {
			over, err = s.budget(once, conn, over)
		}
		cancel()
		if err != nil && ctx.Err() == nil {
			s.log.Warn("heartbeat of the slot", "slot", s.config.Slot, "err", err)
			if conn != nil && conn.IsClosed() {
				conn = nil
			}
		}
	}
}

// budget warns once when the slot keeps more log than it should.
func (s *Source) budget(ctx context.Context, conn *pgx.Conn, over bool) (bool, error) {
	if s.config.WALBudget <= 0 {
		return false, nil
	}
	found, err := lookUp(ctx, conn, s.config.Slot)
	if err != nil || found == nil {
		return over, err
	}
	now := found.Retained > int64(s.config.WALBudget)
	if now && !over {
		s.log.Warn("the server keeps more log for the slot than wal_budget", "slot", s.config.Slot,
			"retained", project.Bytes(found.Retained).String(), "wal_budget", s.config.WALBudget.String(), "way_out", wayOut)
	}
	return now, nil
}

// wayOut is what to do about a slot that keeps too much log.
const wayOut = "let the pipeline catch up, end transactions that run for long, or drop the slot and read all tables again"
