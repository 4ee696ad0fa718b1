package land

import (
	"context"
	"fmt"
	"io"
	"log/slog"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/sqlgen"
)

// NewReplay returns a Lander that lands the dead letters of cfg.Pipeline that
// f selects, in place of a source: cfg.Source and cfg.Mode are not used. It
// ends when it has tried each of them once. They run as redelivered messages
// under the identity of their first delivery, so that one that has landed
// since is a duplicate, and the commit that lands a letter settles it. Those
// that fail again are counted as duplicates and stay; the brake does not
// count them. A letter whose bytes were withheld is skipped.
func NewReplay(cfg Config, f Filter) (*Lander, error) {
	f.Pipeline = cfg.Pipeline.Name
	first, last, err := idsOf(f.Delivery)
	if err != nil {
		return nil, err
	}
	log := cfg.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	cfg.Source = &replaySource{warehouse: cfg.Warehouse, filter: f, seen: before(first), last: last, log: log}
	cfg.Mode = Once
	l, err := New(cfg)
	if err != nil {
		return nil, err
	}
	l.replay = true
	return l, nil
}

// The bounds of what a replay holds at a time: letters without bytes, letters
// with bytes, and bytes, of which a single letter may have more.
const (
	pageLetters = 1000
	readLetters = 200
	readBytes   = 4 << 20
)

// replaySource reads the letters of a pipeline in the order of their ids, in
// bounded pages. A letter that fails again stays behind its reader.
type replaySource struct {
	warehouse tidemill.Warehouse
	filter    Filter
	log       *slog.Logger
	page      []Letter    // without bytes
	seen      tidemill.ID // all up to this one have been in a page
	last      tidemill.ID
	ended     bool
	skipped   int
}

func (s *replaySource) Open(context.Context, []tidemill.Mark) error { return nil }
func (s *replaySource) Drain(context.Context) error                 { return nil }
func (s *replaySource) Ack(context.Context, any) error              { return nil } // the commit settles
func (s *replaySource) Close() error                                { return nil }

// Read returns the next letters as messages. Its token holds them, in the
// same order.
func (s *replaySource) Read(ctx context.Context) (tidemill.Batch, error) {
	for {
		if err := s.fill(ctx); err != nil {
			return tidemill.Batch{}, err
		}
		if len(s.page) == 0 {
			if s.skipped > 0 {
				s.log.Warn("dead letters whose bytes were withheld cannot be replayed", "letters", s.skipped)
			}
			return tidemill.Batch{}, io.EOF
		}
		letters, err := s.load(ctx)
		if err != nil {
			return tidemill.Batch{}, err
		}
		if len(letters) > 0 {
			return messagesOf(letters), nil
		}
	}
}

// fill reads the next page where the last one is used up.
func (s *replaySource) fill(ctx context.Context) (err error) {
	if len(s.page) > 0 || s.ended {
		return nil
	}
	s.page, err = s.query(ctx, sqlgen.SelectLetters{Range: true}, pageLetters, s.seen, s.last)
	if err != nil {
		return err
	}
	s.ended = len(s.page) < pageLetters
	if n := len(s.page); n > 0 {
		s.seen = s.page[n-1].Delivery
	}
	return nil
}

// load takes as many letters from the page as fit one read, with their
// bytes, and leaves out what cannot be replayed.
func (s *replaySource) load(ctx context.Context) ([]Letter, error) {
	n, size := 0, int64(0)
	for n < min(len(s.page), readLetters) && (n == 0 || size+s.page[n].Size <= readBytes) {
		size += s.page[n].Size
		n++
	}
	from, to := s.page[0].Delivery, s.page[n-1].Delivery
	s.page = s.page[n:]
	letters, err := s.query(ctx, sqlgen.SelectLetters{Range: true, Value: true}, n, before(from), to)
	if err != nil {
		return nil, err
	}
	kept := letters[:0]
	for _, l := range letters {
		if l.withheld() {
			s.skipped++
		} else {
			kept = append(kept, l)
		}
	}
	return kept, nil
}

func (s *replaySource) query(ctx context.Context, q sqlgen.SelectLetters, limit int, after, upto tidemill.ID) ([]Letter, error) {
	return selectLetters(ctx, s.warehouse, q, s.filter.Pipeline, string(s.filter.Code), s.filter.Type, StatusDead,
		int64(limit), after.String(), upto.String())
}

// before returns the id that comes just before id; the first is its own.
func before(id tidemill.ID) tidemill.ID {
	for i := len(id) - 1; i >= 0 && id != (tidemill.ID{}); i-- {
		id[i]--
		if id[i] != 255 {
			break
		}
	}
	return id
}

// idsOf returns the first and the last id that begin with prefix.
func idsOf(prefix string) (first, last tidemill.ID, err error) {
	const lowest, highest = "00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"
	n := min(len(prefix), len(lowest))
	if first, err = tidemill.ParseID(prefix + lowest[n:]); err == nil {
		last, err = tidemill.ParseID(prefix + highest[n:])
	}
	if err != nil {
		err = &tidemill.Error{
			Code: tidemill.Invalid, Op: "replay", Err: fmt.Errorf("%q does not begin the id of a dead letter", prefix),
			Hint: "tidemill dead list shows the ids",
		}
	}
	return first, last, err
}

func messagesOf(letters []Letter) tidemill.Batch {
	stored := make(replayed, len(letters))
	b := tidemill.Batch{Messages: make([]tidemill.Message, len(letters)), Token: stored}
	for i, l := range letters {
		l.Message.Redelivered = true
		stored[i], b.Messages[i] = l.DeadLetter, l.Message
	}
	return b
}
