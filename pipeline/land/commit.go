package land

import (
	"context"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/internal/retry"
)

// commitAll commits the batches that the collector hands over, one at a
// time. When soft is done, a commit that fails is not tried again.
func (l *Lander) commitAll(ctx, soft context.Context) error {
	for b := range l.batches {
		err := l.commit(ctx, soft, b)
		b.release()
		if err != nil {
			return err
		}
		l.done <- struct{}{}
	}
	return nil
}

func (l *Lander) commit(ctx, soft context.Context, b *batch) error {
	landing := b.landing(l.name)
	if !l.replay {
		recorded, err := l.recorded(ctx, soft, b)
		if err != nil {
			return err
		}
		if err := l.brake.pass(l.name, b, recorded); err != nil {
			return err
		}
		landing.Note = l.brake.note()
	}
	var receipt tidemill.Receipt
	if len(landing.Rows)+len(landing.Dead)+len(landing.Marks) > 0 {
		// The same batch id on every attempt: one whose outcome is unknown
		// is found in the ledger by the next.
		err := retry.Do(soft, l.retries("commit"), func(context.Context) (err error) {
			receipt, err = l.cfg.Warehouse.Commit(ctx, landing)
			return err
		})
		if err != nil {
			return explain(err)
		}
	}
	l.brake.committed(b, receipt)
	// Invariant 1, never ack before the commit: it has returned without error.
	for _, token := range b.tokens {
		if err := l.cfg.Source.Ack(ctx, token); err != nil {
			l.log.Warn("ack; the messages will come again", "batch", b.id, "err", err)
			break
		}
	}
	l.records.add(b.folds)
	l.figures.add(b, receipt)
	if l.cfg.Progress != nil {
		l.cfg.Progress(l.figures.progress(l.name, b))
	}
	return nil
}

// evolve makes t where it is missing and widens it to want. Like a commit it
// is not tried again after Stop.
func (l *Lander) evolve(ctx context.Context, t tidemill.Table, want *arrow.Schema) (has *arrow.Schema, err error) {
	waiting, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(l.stopped, cancel)()
	err = retry.Do(waiting, l.retries("evolve "+t.String()), func(context.Context) error {
		has, err = l.cfg.Warehouse.Evolve(ctx, t, want)
		return err
	})
	return has, err
}

// explain adds what to do to the error of a commit.
func explain(err error) error {
	if tidemill.CodeOf(err) == tidemill.Fenced && len(tidemill.Hints(err)) == 0 {
		return &tidemill.Error{
			Err:  err,
			Hint: "another process lands this pipeline: stop one of the two; nothing was landed twice",
		}
	}
	return err
}
