package sqlgen

import (
	"strconv"

	"github.com/tidemill/tidemill"
)

// Migrations is the number of migrations of the schema tidemill.
const Migrations = 2

// Migration brings the schema tidemill from the version before to Version.
// Its text never changes once it was released.
type Migration struct{ Version int }

// SelectVersion returns the highest version whose migration ran, or 0.
type SelectVersion struct{}

// InsertVersion records a migration: $1 version.
type InsertVersion struct{}

// SelectBatch returns entries, landed, duplicates and dead of a batch, summed:
// $1 pipeline, $2 batch. No entries means that it was not committed.
type SelectBatch struct{}

// InsertBatch records what a batch did to one table: $1 pipeline, $2 batch, $3
// table ("" for dead letters and marks), $4 landed, $5 duplicates, $6 dead,
// $7 committed at. The ledger is insert-only.
type InsertBatch struct{}

// InsertDuplicates counts what was removed: $1 pipeline, $2 batch, $3 table,
// $4 kind (batch, key, delivery), $5 count, $6 when.
type InsertDuplicates struct{}

// RecentBatches returns landed, duplicates and dead of the last batches of a
// pipeline, newest first: $1 pipeline, $2 how many.
type RecentBatches struct{}

// PipelineTables returns the names of the tables that a pipeline has landed
// in: $1 pipeline.
type PipelineTables struct{}

// SelectMarks returns scope and position: $1 pipeline.
type SelectMarks struct{}

// StaleMarks returns a scope of Marks(scope, before, after) whose stored
// position is not the one before: $1 pipeline.
type StaleMarks struct{ Marks tidemill.TableName }

// DeleteMarks removes the stored positions of the scopes of Marks: $1 pipeline.
type DeleteMarks struct{ Marks tidemill.TableName }

// InsertMarks stores the positions after of Marks: $1 pipeline, $2 batch, $3 at.
type InsertMarks struct{ Marks tidemill.TableName }

func (m Migration) Template() string      { return "migration_" + strconv.Itoa(m.Version) }
func (SelectVersion) Template() string    { return "select_version" }
func (InsertVersion) Template() string    { return "insert_version" }
func (SelectBatch) Template() string      { return "select_batch" }
func (InsertBatch) Template() string      { return "insert_batch" }
func (InsertDuplicates) Template() string { return "insert_duplicates" }
func (RecentBatches) Template() string    { return "recent_batches" }
func (PipelineTables) Template() string   { return "pipeline_tables" }
func (SelectMarks) Template() string      { return "select_marks" }
func (StaleMarks) Template() string       { return "stale_marks" }
func (DeleteMarks) Template() string      { return "delete_marks" }
func (InsertMarks) Template() string      { return "insert_marks" }
