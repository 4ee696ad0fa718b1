package sqlgen

import "github.com/tidemill/tidemill"

// The entries of batches that were committed before a day, but for the last
// ones of each pipeline, are summed into one row a day, pipeline and table,
// whose batch is "day 2026-11-21". Duplicates are summed so as well, by kind.

// StageOldBatches makes the temporary table Stage(pipeline, batch) of the
// batches to sum up: $1 the time before which they were committed, $2 how many
// messages the last batches of a pipeline, which stay, cover at least.
type StageOldBatches struct{ Stage tidemill.TableName }

// StageBatchSums makes the temporary table Sums of the entries of the batches
// in Old, summed.
type StageBatchSums struct{ Sums, Old tidemill.TableName }

// StageDuplicateSums does for tidemill.duplicates what StageBatchSums does for
// tidemill.batches.
type StageDuplicateSums struct{ Sums, Old tidemill.TableName }

// DeleteOld removes the rows of Target whose batch is in Old.
type DeleteOld struct{ Target, Old tidemill.TableName }

// NewestBatch returns the time of the newest entry of the ledger, or null.
type NewestBatch struct{}

func (StageOldBatches) Template() string    { return "stage_old_batches" }
func (StageBatchSums) Template() string     { return "stage_batch_sums" }
func (StageDuplicateSums) Template() string { return "stage_duplicate_sums" }
func (DeleteOld) Template() string          { return "delete_old" }
func (NewestBatch) Template() string        { return "newest_batch" }
