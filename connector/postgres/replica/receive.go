package replica

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/internal/retry"
)

// takeOver is how long a slot may be in use by another: a process that was
// killed counts until the server notices.
const takeOver = 90 * time.Second

// receive reads the stream until ctx is done, over as many connections as
// that takes.
func (s *Source) receive(ctx context.Context) {
	wait := retry.Policy{Base: 100 * time.Millisecond, Cap: 5 * time.Second}.Backoff()
	var since, told time.Time
	for {
		began := time.Now()
		streamed, err := s.session(ctx)
		if ctx.Err() != nil {
			return
		}
		s.cut()
		if errors.Is(err, errText) {
			s.mu.Lock()
			s.text = true
			s.mu.Unlock()
			continue
		}
		if streamed || since.IsZero() {
			since = began
		}
		if streamed {
			wait.Reset()
		}
		used := inUse(err)
		if !used && !s.lost(err) || used && time.Since(since) > takeOver {
			s.fail(s.final(ctx, err))
			return
		}
		if time.Since(told) > 30*time.Second {
			told = time.Now()
			s.log.Warn("the stream of changes was interrupted, connecting again", "slot", s.config.Slot, "err", err)
		}
		if retry.Sleep(ctx, wait.Next()) != nil {
			return
		}
	}
}

// fail makes reads end with err.
func (s *Source) fail(err error) {
	s.mu.Lock()
	s.failed = err
	s.mu.Unlock()
	signal(s.wake)
}

// cut ends the batch where the connection was lost: what came of the
// transaction at hand is committed, and the rest comes again.
func (s *Source) cut() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wire = nil
	s.pending.whole = true
}

// inUse reports whether another process reads the slot.
func inUse(err error) bool {
	var said *pgconn.PgError
	return errors.As(err, &said) && said.Code == "55006"
}

// lost reports whether err may pass by connecting again.
func (s *Source) lost(err error) bool {
	switch {
	case tidemill.Retryable(err):
		return true
	case tidemill.CodeOf(err) != "":
		return false
	}
	var said *pgconn.PgError
	return isLost(err) || errors.As(err, &said) && tidemill.Retryable(s.explain(said))
}

// final explains an error after which the stream cannot go on.
func (s *Source) final(ctx context.Context, err error) error {
	if inUse(err) {
		return &tidemill.Error{
			Code: tidemill.Unavailable, Op: "follow slot " + s.config.Slot, Err: err,
			Hint: "end the other process that reads it, or give each pipeline a slot of its own",
		}
	}
	var said *pgconn.PgError
	if !errors.As(err, &said) {
		return err
	}
	if again := s.inspect(ctx); tidemill.CodeOf(again) != "" {
		return again // the slot or the publication tell more
	}
	if said.Code == "42704" || said.Code == skipped && said.Severity == "WARNING" { // the stream looks it up as it was at each change
		return &tidemill.Error{
			Code: tidemill.NotFound, Op: "follow slot " + s.config.Slot, Err: errors.New(said.Message + " at the changes that are next"),
			Hint: "the publication was made later than they were: drop the slot with SELECT pg_drop_replication_slot('" + s.config.Slot +
				"'), and set on_lost: snapshot in the pipeline's source",
		}
	}
	return s.explain(err)
}
