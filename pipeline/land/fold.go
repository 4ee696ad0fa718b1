package land

import (
	"context"
	"sync"
	"time"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/internal/retry"
)

// folds is what there is to fold. The committer adds to it, the folder takes
// it.
type folds struct {
	mu  sync.Mutex
	due map[tidemill.TableName]tidemill.Fold // by log
}

func newFolds() folds { return folds{due: map[tidemill.TableName]tidemill.Fold{}} }

// add notes what is to be folded.
func (f *folds) add(more []tidemill.Fold) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, m := range more {
		f.due[m.Log] = m
	}
}

// take returns what is due, and forgets it.
func (f *folds) take() map[tidemill.TableName]tidemill.Fold {
	f.mu.Lock()
	defer f.mu.Unlock()
	due := f.due
	f.due = map[tidemill.TableName]tidemill.Fold{}
	return due
}

// foldAll folds every so often what was committed, and once more at the end,
// after the last commit. After soft is done a fold that fails is not tried
// again: the next run finds it undone.
func (r *records) foldAll(ctx, soft context.Context, committed <-chan struct{}) error {
	if !r.cfg.Pipeline.Land.Folded() {
		return nil
	}
	ticks := time.NewTicker(max(r.cfg.Pipeline.Land.Fold, time.Millisecond))
	defer ticks.Stop()
	for {
		select {
		case <-ticks.C:
			if err := r.foldDue(ctx, soft); err != nil {
				return err
			}
		case <-committed:
			if ctx.Err() != nil {
				return nil // what failed says why
			}
			return r.foldDue(ctx, soft)
		case <-ctx.Done():
			return nil
		}
	}
}

func (r *records) foldDue(ctx, soft context.Context) error {
	for _, f := range r.take() {
		begun := time.Now()
		var receipt tidemill.FoldReceipt
		err := retry.Do(soft, r.retries("fold "+f.Target.String()), func(context.Context) (err error) {
			receipt, err = r.cfg.Warehouse.(tidemill.Folder).Fold(ctx, f)
			return err
		})
		if err != nil {
			return err
		}
		r.log.Debug("folded", "table", f.Target, "batches", receipt.Batches, "rows", receipt.Rows, "took", time.Since(begun).Round(time.Millisecond))
	}
	return nil
}
