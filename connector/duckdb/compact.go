package duckdb

import (
	"context"
	"errors"
	"time"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/sqlgen"
)

// The ledger has an entry for each batch of the last days. A batch whose
// commit is tried again later than that is not found by its id; its rows are
// recognised all the same, as those that another reader landed after Since,
// its letters by their deliveries, and its marks fence it.
const (
	keepDays     = 7 // full ones, beside today
	compactEvery = time.Hour
)

// compactSometimes sums old entries of the ledger up. That it fails harms
// nothing: it is tried again at the next occasion.
func (w *writer) compactSometimes(ctx context.Context) {
	if now := time.Now().UTC(); now.Sub(w.compacted).Abs() >= compactEvery {
		w.compacted = now
		_ = w.compact(ctx, now)
	}
}

// compact replaces the entries of batches that were committed more than
// keepDays before now by one for each day, pipeline and table. What
// Ledger.Recent covers stays.
func (w *writer) compact(ctx context.Context, now time.Time) (err error) {
	before := now.UTC().Truncate(24*time.Hour).AddDate(0, 0, -keepDays)
	temp := func(name string) tidemill.TableName { return tidemill.TableName{Schema: "temp", Name: name} }
	old, sums, counts := temp("tidemill_old_batches"), temp("tidemill_batch_sums"), temp("tidemill_duplicate_sums")
	defer func() {
		for _, t := range []tidemill.TableName{old, sums, counts} {
			_, dropped := w.conn.run(context.WithoutCancel(ctx), sqlgen.DropTable{Table: t})
			err = errors.Join(err, dropped)
		}
	}()
	if _, err := w.conn.run(ctx, sqlgen.StageOldBatches{Stage: old}, before, int64(recentMessages)); err != nil {
		return err
	}
	size, err := w.conn.find(ctx, sqlgen.RowRange{Table: old})
	if err != nil || size[0][0].(int64) == 0 {
		return err
	}
	batches := tidemill.TableName{Schema: "tidemill", Name: "batches"}
	duplicates := tidemill.TableName{Schema: "tidemill", Name: "duplicates"}
	return w.transaction(ctx, func() error {
		for _, s := range []sqlgen.Statement{
			sqlgen.StageBatchSums{Sums: sums, Old: old},
			sqlgen.StageDuplicateSums{Sums: counts, Old: old},
			sqlgen.DeleteOld{Target: batches, Old: old},
			sqlgen.DeleteOld{Target: duplicates, Old: old},
			sqlgen.InsertRows{Target: batches, Source: sums, Columns: []string{"pipeline", "batch", "table_name", "landed", "duplicates", "dead", "committed_at"}},
			sqlgen.InsertRows{Target: duplicates, Source: counts, Columns: []string{"pipeline", "batch", "table_name", "kind", "count", "removed_at"}},
		} {
			if _, err := w.conn.run(ctx, s); err != nil {
				return err
			}
		}
		return nil
	})
}

// resume makes tick go on after the newest entry, should the clock have gone
// backwards since.
func (w *writer) resume(ctx context.Context) error {
	rows, err := w.conn.find(ctx, sqlgen.NewestBatch{})
	if err == nil {
		w.last, _ = rows[0][0].(time.Time) // null where there is none
	}
	return err
}
