package land

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/sqlgen"
)

// The states of a dead letter.
const (
	StatusDead      = "dead"      // can be replayed
	StatusLanded    = "landed"    // a replay, or its redelivery, has landed it
	StatusDiscarded = "discarded" // given up
)

// Letter is a dead letter as it is stored.
type Letter struct {
	tidemill.DeadLetter
	Pipeline string
	Batch    string
	Status   string
	Size     int64 // of the bytes that are stored
	DeadAt   time.Time
	Settled  time.Time // zero while it is dead
}

// withheld says that the bytes of l were not stored.
func (l *Letter) withheld() bool { return l.Size == 0 && l.Code != tidemill.Empty }

// Filter selects dead letters. Empty fields select all.
type Filter struct {
	Pipeline string
	Code     tidemill.Code
	Type     string
	Delivery string // the beginning of the delivery id
}

// defaultLimit is how many letters are listed unless the caller says.
const defaultLimit = 100

// Letters lists dead letters with the given status, "" for any, the newest
// first, without their bytes. A limit of 0 is 100.
func Letters(ctx context.Context, w tidemill.Warehouse, f Filter, status string, limit int) ([]Letter, error) {
	if limit <= 0 {
		limit = defaultLimit
	}
	return selectLetters(ctx, w, sqlgen.SelectLetters{Prefix: true},
		f.Pipeline, string(f.Code), f.Type, status, int64(limit), strings.ToLower(f.Delivery))
}

// FindLetter returns the one letter of pipeline, or of all where that is "",
// whose delivery id begins with prefix, with its bytes.
func FindLetter(ctx context.Context, w tidemill.Warehouse, pipeline, prefix string) (Letter, error) {
	found, err := selectLetters(ctx, w, sqlgen.SelectLetters{Prefix: true, Value: true},
		pipeline, "", "", "", int64(2), strings.ToLower(prefix))
	switch {
	case err != nil:
		return Letter{}, err
	case len(found) == 0:
		return Letter{}, &tidemill.Error{
			Code: tidemill.NotFound, Op: "find dead letter", Err: fmt.Errorf("no id begins with %q", prefix),
			Hint: "tidemill dead list shows the ids",
		}
	case len(found) > 1 && found[0].Delivery == found[1].Delivery:
		return Letter{}, &tidemill.Error{
			Code: tidemill.Invalid, Op: "find dead letter",
			Err:  fmt.Errorf("pipelines %s and %s both have the letter %s", found[0].Pipeline, found[1].Pipeline, found[0].Delivery),
			Hint: "name one with --pipeline",
		}
	case len(found) > 1:
		return Letter{}, &tidemill.Error{
			Code: tidemill.Invalid, Op: "find dead letter",
			Err:  fmt.Errorf("more than one id begins with %q, such as %s and %s", prefix, found[0].Delivery, found[1].Delivery),
			Hint: "give more of the id",
		}
	}
	return found[0], nil
}

// Discard gives up the dead letters that f selects, and returns how many
// they are. They stay in tidemill.dead_letters.
func Discard(ctx context.Context, w tidemill.Warehouse, f Filter) (n int64, err error) {
	err = withSession(ctx, w, func(s tidemill.Session) error {
		sql, err := sqlgen.Render(w.Dialect(), sqlgen.DiscardLetters{})
		if err != nil {
			return err
		}
		n, err = s.Exec(ctx, sql, f.Pipeline, string(f.Code), f.Type, strings.ToLower(f.Delivery), time.Now().UTC())
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("discard dead letters: %w", err)
	}
	return n, nil
}

func withSession(ctx context.Context, w tidemill.Warehouse, f func(tidemill.Session) error) error {
	s, err := w.Session(ctx)
	if err != nil {
		return err
	}
	return errors.Join(f(s), s.Close())
}

func selectLetters(ctx context.Context, w tidemill.Warehouse, q sqlgen.SelectLetters, args ...any) (letters []Letter, err error) {
	sql, err := sqlgen.Render(w.Dialect(), q)
	if err != nil {
		return nil, err
	}
	err = withSession(ctx, w, func(s tidemill.Session) error {
		r, err := s.Query(ctx, sql, args...)
		if err != nil {
			return err
		}
		defer r.Release()
		for r.Next() {
			if letters, err = appendLetters(letters, r.RecordBatch()); err != nil {
				return err
			}
		}
		return r.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("read dead letters: %w", err)
	}
	return letters, nil
}
