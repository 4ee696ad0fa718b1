package replica

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/tidemill/tidemill/project"
)

const (
	// within bounds one look at the server.
	within = 15 * time.Second
	// lookEvery is how often the server is looked at.
	lookEvery = 5 * time.Second
)

// pulse is what goes on beside the stream, over a connection of its own: a
// small message in the log of an idle database, so that the slot has
// something to advance to, and a look at how much log the slot keeps.
type pulse struct {
	s       *Source
	conn    *pgx.Conn
	last    lsn
	beaten  time.Time
	over    bool // the budget
	failing bool
	refused int // times in a row that the server took no connection
}

// pulse runs until ctx is done.
func (s *Source) pulse(ctx context.Context) {
	tick := time.NewTicker(min(lookEvery, s.config.Heartbeat))
	defer tick.Stop()
	p := &pulse{s: s, beaten: time.Now()}
	defer func() { p.drop() }()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		err := p.look(ctx)
		if ctx.Err() != nil {
			return
		}
		if err != nil && !p.failing {
			s.log.Warn("heartbeat of the slot", "slot", s.config.Slot, "err", err)
		}
		p.failing = err != nil
		p.release(err)
		if p.conn != nil && p.conn.IsClosed() {
			p.drop()
		}
	}
}

func (p *pulse) drop() {
	if p.conn != nil {
		closeSoon(p.conn)
		p.conn = nil
	}
}

func (p *pulse) look(ctx context.Context) (err error) {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	if p.conn == nil {
		if p.conn, err = p.s.config.Dialer.Connect(ctx); err != nil {
			p.conn = nil
			return err
		}
	}
	if time.Since(p.beaten) >= p.s.config.Heartbeat && !p.s.server.standby {
		p.beaten = time.Now()
		p.s.mu.Lock()
		quiet := p.s.pending.at.LSN == p.last && p.s.wire != nil
		p.last = p.s.pending.at.LSN
		p.s.mu.Unlock()
		if quiet {
			if _, err := p.conn.Exec(ctx, "select pg_logical_emit_message(true, 'tidemill', '')"); err != nil {
				return err
			}
		}
	}
	return p.budget(ctx)
}

// budget warns once when the slot keeps more log than it should.
func (p *pulse) budget(ctx context.Context) error {
	found, err := lookUp(ctx, p.conn, p.s.config.Slot)
	limit := p.s.config.WALBudget
	if err != nil || found == nil || limit <= 0 {
		return err
	}
	over := found.Retained > int64(limit)
	if over && !p.over {
		p.s.log.Warn("the server keeps more log for the slot than wal_budget", "slot", p.s.config.Slot,
			"retained", project.Bytes(found.Retained).String(), "wal_budget", limit.String(), "way_out", wayOut)
	}
	p.over = over
	return nil
}

// wayOut is what to do about a slot that keeps too much log.
const wayOut = "let the pipeline catch up, end transactions that run for long, or drop the slot and read all tables again"

// release lets a server go that shuts down: it waits for our stream until all
// that it sent is committed, which a slow warehouse may not bring about.
func (p *pulse) release(err error) {
	var said *pgconn.PgError
	if !errors.As(err, &said) || said.Code != "57P03" {
		p.refused = 0
		return
	}
	if p.refused++; p.refused < 2 {
		return
	}
	p.s.mu.Lock()
	w := p.s.wire
	p.s.mu.Unlock()
	if w != nil {
		w.close()
	}
}
