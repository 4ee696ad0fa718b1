package replica

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/tidemill/tidemill"
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
	defer closeSoon(sql)
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
	tables, err := s.published(ctx, sql, s.config.Create)
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
