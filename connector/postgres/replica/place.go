package replica

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/tidemill/tidemill"
)

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
		goes, err := s.inherit(ctx, conn, *stored, at)
		if err != nil {
			return "", s.explain(err)
		}
		why := s.gap(found, goes, at)
		if why == "" && found != nil {
			s.pending.at = goes
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

// inherit returns a stored position as one of the present timeline, where that
// goes on from the stored one after all that was read: a standby that took
// over then has the same changes, and the slot where it is a failover slot.
func (s *Source) inherit(ctx context.Context, conn *pgconn.PgConn, stored, at position) (position, error) {
	if stored.System != at.System || stored.Timeline >= at.Timeline {
		return stored, nil
	}
	left, err := leftAt(ctx, conn, at.Timeline, stored.Timeline)
	if err != nil || left == 0 || left < max(stored.LSN, stored.Done, stored.Tx) {
		return stored, err
	}
	s.log.Info("the server has begun a new timeline, after all that was read", "timeline", at.Timeline, "began_at", left.String())
	stored.Timeline = at.Timeline
	stored.Epoch++
	return stored, nil
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
	case s.config.TwoPhase && !found.TwoPhase:
		wrong = "it was made without two_phase"
	}
	if wrong == "" {
		return nil
	}
	return &tidemill.Error{
		Code: tidemill.Invalid, Op: "follow slot " + s.config.Slot, Err: errors.New(wrong),
		Hint: "name another slot in the pipeline's source, which create: true makes; or take the option out that it does not fit",
	}
}

// inspect looks at what the server has after an error of the stream.
func (s *Source) inspect(ctx context.Context) error {
	sql, err := s.config.Dialer.Connect(ctx)
	if err != nil {
		return nil // the first error says more
	}
	defer closeSoon(sql)
	found, err := lookUp(ctx, sql, s.config.Slot)
	if err != nil {
		return nil // the first error says more
	}
	s.mu.Lock()
	at := s.pending.at
	s.mu.Unlock()
	if why := s.gap(found, at, at); why != "" {
		return s.lostError(why)
	}
	_, err = s.published(ctx, sql, false)
	return err
}
