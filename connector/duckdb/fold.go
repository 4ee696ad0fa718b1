package duckdb

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/sqlgen"
)

// foldBatches is how many batches one transaction folds: what is staged, and so
// the memory that a fold takes, must not grow with the length of the log.
const foldBatches = 8

// The temporary tables of a fold.
var (
	stagedBatches  = tidemill.TableName{Schema: "temp", Name: "tidemill_fold_batches"}
	stagedTouched  = tidemill.TableName{Schema: "temp", Name: "tidemill_fold_touched"}
	stagedLatest   = tidemill.TableName{Schema: "temp", Name: "tidemill_fold_latest"}
	stagedVersions = tidemill.TableName{Schema: "temp", Name: "tidemill_fold_versions"}
)

// fold does what tidemill.Folder says of Fold, on a connection of its own: it
// never waits for commits, nor they for it.
func (o *owner) fold(ctx context.Context, f tidemill.Fold) (tidemill.FoldReceipt, error) {
	select {
	case o.folds <- struct{}{}: // two at once would undo each other
		defer func() { <-o.folds }()
	case <-ctx.Done():
		return tidemill.FoldReceipt{}, ctx.Err()
	}
	var sum tidemill.FoldReceipt
	for failed := 0; ; {
		r, err := o.foldSome(ctx, f)
		if err != nil {
			if failed++; failed < attempts && o.mayFoldAgain(ctx, err) {
				continue
			}
			return sum, fmt.Errorf("fold %s: %w", f.Target, err)
		}
		sum.Batches += r.Batches
		sum.Rows += r.Rows
		if r.Batches < foldBatches {
			return sum, nil
		}
	}
}

// mayFoldAgain reports whether what ended with err may succeed at once.
func (o *owner) mayFoldAgain(ctx context.Context, err error) bool {
	if o.take(ctx) != nil {
		return false
	}
	defer o.give()
	return o.worthAnother(ctx, err)
}

// foldSome folds the oldest batches that are to be folded.
func (o *owner) foldSome(ctx context.Context, f tidemill.Fold) (r tidemill.FoldReceipt, err error) {
	if err := o.take(ctx); err != nil {
		return r, err
	}
	in := o.instance
	leave, err := in.budget.enter(ctx) // a fold is a query, of which landing's memory is too little
	if err != nil {
		o.give()
		return r, err
	}
	defer leave()
	c, err := in.connect(ctx)
	o.give()
	if err != nil {
		return r, err
	}
	defer c.close() // rolls back, and drops what was staged
	w := &folding{Fold: f, conn: c}
	if err := w.stage(ctx); err != nil || w.receipt.Batches == 0 {
		return r, err
	}
	err = w.transaction(ctx)
	if invalidated(err) {
		if again := o.renew(context.WithoutCancel(ctx)); again != nil {
			err = errors.Join(err, again)
		}
	}
	return w.receipt, err
}

// renew opens the database anew after the engine has given it up.
func (o *owner) renew(ctx context.Context) error {
	if err := o.take(ctx); err != nil {
		return err
	}
	defer o.give()
	return o.reopen(ctx)
}

// folding is one transaction of a fold.
type folding struct {
	tidemill.Fold
	conn      *conn
	receipt   tidemill.FoldReceipt
	columns   []string // of the source
	carried   []string // those that some change says are unchanged
	truncated []byte   // version of the newest truncation; nil if there is none
	fresh     bool     // that truncation, or one before it, is new
}

// stage finds the batches that are to be folded.
func (w *folding) stage(ctx context.Context) error {
	_, err := w.conn.run(ctx, sqlgen.StageUnfolded{Stage: stagedBatches}, ledgerName(w.Log), int64(foldBatches))
	if err != nil {
		return err
	}
	rows, err := w.conn.find(ctx, sqlgen.RowCount{Table: stagedBatches})
	if err != nil {
		return err
	}
	w.receipt.Batches = rows[0][0].(int64)
	return nil
}

func (w *folding) transaction(ctx context.Context) error {
	if _, err := w.conn.exec(context.WithoutCancel(ctx), "BEGIN TRANSACTION"); err != nil {
		return err
	}
	err := w.apply(ctx)
	if err == nil {
		_, err = w.conn.exec(context.WithoutCancel(ctx), "COMMIT")
	}
	return err // closing the connection rolls back
}

// apply writes the changes of the staged batches, then forgets the batches.
func (w *folding) apply(ctx context.Context) error {
	if _, err := w.conn.run(ctx, sqlgen.StageTouched{Stage: stagedTouched, Log: w.Log, Batches: stagedBatches, Key: w.Key}); err != nil {
		return err
	}
	if err := w.look(ctx); err != nil {
		return err
	}
	write := w.mirror
	if w.Write == tidemill.History {
		write = w.history
	}
	if err := write(ctx); err != nil {
		return err
	}
	if err := w.run(ctx, sqlgen.DeleteUnfolded{Stage: stagedBatches}, ledgerName(w.Log)); err != nil {
		return err
	}
	return w.run(ctx, sqlgen.DeleteFolded{Log: w.Log}, time.Now().Add(-w.Keep), ledgerName(w.Log))
}

// look reads what the statements depend on.
func (w *folding) look(ctx context.Context) error {
	rows, err := w.conn.find(ctx, sqlgen.TruncatedAt{Log: w.Log, Batches: stagedBatches})
	if err != nil {
		return err
	}
	w.truncated, _ = rows[0][0].([]byte)
	w.fresh = rows[0][1].(int64) > 0
	rows, err = w.conn.find(ctx, sqlgen.DescribeTable{}, w.Log.Schema, w.Log.Name)
	if err != nil {
		return err
	}
	ours := len(tidemill.RecordFields()) + len(tidemill.ChangeFields()) - 1 // _source_time is in both
	for _, row := range rows[min(ours, len(rows)):] {
		w.columns = append(w.columns, row[0].(string))
	}
	rows, err = w.conn.find(ctx, sqlgen.UnchangedColumns{Log: w.Log, Touched: stagedTouched, Key: w.Key})
	if err != nil {
		return err
	}
	for _, row := range rows {
		if name := row[0].(string); slices.Contains(w.columns, name) && !slices.Contains(w.Key, name) {
			w.carried = append(w.carried, name)
		}
	}
	slices.Sort(w.carried)
	return nil
}

// mirror replaces the rows of the touched keys by what they are now.
func (w *folding) mirror(ctx context.Context) error {
	latest := sqlgen.StageLatest{
		Stage: stagedLatest, Log: w.Log, Target: w.Target, Touched: stagedTouched,
		Key: w.Key, Columns: w.columns, Carried: w.carried,
	}
	var args []any
	if w.truncated != nil {
		latest.Truncated, args = true, []any{w.truncated}
	}
	if w.fresh {
		if err := w.run(ctx, sqlgen.DeleteOlder{Target: w.Target}, w.truncated); err != nil {
			return err
		}
	}
	if err := w.run(ctx, latest, args...); err != nil {
		return err
	}
	for _, s := range []sqlgen.Statement{
		sqlgen.DropStale{Target: w.Target, Stage: stagedLatest, Key: w.Key, Version: tidemill.ColumnVersion},
		sqlgen.DeleteMatched{Target: w.Target, Stage: stagedLatest, Key: w.Key},
	} {
		if err := w.run(ctx, s); err != nil {
			return err
		}
	}
	n, err := w.conn.run(ctx, sqlgen.InsertLatest{Target: w.Target, Latest: stagedLatest, Columns: w.columns})
	w.receipt.Rows = n
	return err
}

// history writes the versions of the touched keys from their first new change
// on.
func (w *folding) history(ctx context.Context) error {
	steps := []sqlgen.Statement{
		sqlgen.StageVersions{
			Stage: stagedVersions, Log: w.Log, Target: w.Target, Touched: stagedTouched,
			Key: w.Key, Columns: w.columns, Carried: w.carried,
		},
		sqlgen.DeleteRewritten{Target: w.Target, Touched: stagedTouched, Key: w.Key},
		sqlgen.CloseBase{Target: w.Target, Versions: stagedVersions, Key: w.Key},
	}
	for _, s := range steps {
		if err := w.run(ctx, s); err != nil {
			return err
		}
	}
	n, err := w.conn.run(ctx, sqlgen.InsertVersions{Target: w.Target, Versions: stagedVersions, Columns: w.columns})
	w.receipt.Rows = n
	if err != nil || !w.fresh {
		return err
	}
	return w.run(ctx, sqlgen.CloseTruncated{Target: w.Target, Log: w.Log})
}

func (w *folding) run(ctx context.Context, s sqlgen.Statement, args ...any) error {
	_, err := w.conn.run(ctx, s, args...)
	return err
}

// readUnfolded returns how the logs of a pipeline with batches that wait are to
// be folded.
func readUnfolded(ctx context.Context, c *conn, pipeline string) ([]tidemill.Fold, error) {
	rows, err := c.find(ctx, sqlgen.SelectUnfolded{}, pipeline)
	if err != nil {
		return nil, err
	}
	var all []tidemill.Fold
	for _, row := range rows {
		var f tidemill.Fold
		if err := json.Unmarshal([]byte(row[0].(string)), &f); err != nil {
			return nil, fmt.Errorf("how a change log is to be folded: %w", err)
		}
		all = append(all, f)
	}
	return all, nil
}
