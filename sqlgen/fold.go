package sqlgen

import (
	"slices"

	"github.com/tidemill/tidemill"
)

// InsertUnfolded notes that a batch of a change log is to be folded: $1 the
// log's name, $2 batch, $3 pipeline, $4 how, as JSON.
type InsertUnfolded struct{}

// SelectUnfolded returns how the logs of a pipeline that have such batches are
// to be folded: $1 pipeline.
type SelectUnfolded struct{}

// StageUnfolded makes the temporary table Stage(batch) of the oldest batches of
// a log that are to be folded: $1 the log's name, $2 how many.
type StageUnfolded struct{ Stage tidemill.TableName }

// DeleteUnfolded removes the batches of Stage from those to be folded: $1 the
// log's name.
type DeleteUnfolded struct{ Stage tidemill.TableName }

// StageTouched makes the temporary table Stage of the keys that batches of Log
// change, each with the lowest version of its new changes, as _from.
type StageTouched struct {
	Stage, Log, Batches tidemill.TableName
	Key                 []string
}

// TruncatedAt returns the version of the newest truncation in Log, or null,
// and whether one of Batches brought it.
type TruncatedAt struct{ Log, Batches tidemill.TableName }

// UnchangedColumns returns the names that _unchanged has anywhere in the
// changes of the keys in Touched.
type UnchangedColumns struct {
	Log, Touched tidemill.TableName
	Key          []string
}

// StageLatest makes the temporary table Stage of the newest change of each key
// in Touched: _op, FoldedFields of a mirror, then Columns. Changes of a version
// below $1, of the newest truncation, do not count where Truncated is set.
// Values of the columns in Carried are looked for in older changes, then in
// Target, where the newest change says that they did not change.
type StageLatest struct {
	Stage, Log, Target, Touched tidemill.TableName
	Key, Columns, Carried       []string
	Truncated                   bool
}

// DeleteOlder removes the rows of Target with a version below $1.
type DeleteOlder struct{ Target tidemill.TableName }

// InsertLatest writes the rows of Latest that are not deleted.
type InsertLatest struct {
	Target, Latest tidemill.TableName
	Columns        []string
}

// StageVersions makes the temporary table Stage of what a History is to have
// of the keys in Touched: from the version before their first new change on,
// every version with the time in which it held, in the form of StageLatest with
// _valid_from and _valid_to and, as _base, whether Target has it already.
// Truncations of Log delete every key. A version that says it is older than the
// one before it, as one that a snapshot has read may, begins where that does.
// Carried is as in StageLatest.
type StageVersions struct {
	Stage, Log, Target, Touched tidemill.TableName
	Key, Columns, Carried       []string
}

// CloseTruncated ends the rows of a History that held when the source's table
// was truncated.
type CloseTruncated struct{ Target, Log tidemill.TableName }

// DeleteRewritten removes the rows of a History that StageVersions made anew.
type DeleteRewritten struct {
	Target, Touched tidemill.TableName
	Key             []string
}

// CloseBase sets the end of the rows that held before the new versions.
type CloseBase struct {
	Target, Versions tidemill.TableName
	Key              []string
}

// InsertVersions writes the new versions.
type InsertVersions struct {
	Target, Versions tidemill.TableName
	Columns          []string
}

// DeleteFolded drops changes that were folded and landed before $1, except
// those of the batches that still are to be: $2 the log's name.
type DeleteFolded struct{ Log tidemill.TableName }

// Carries reports whether column is in Carried.
func (s StageLatest) Carries(column string) bool { return slices.Contains(s.Carried, column) }

// Carries reports whether column is in Carried.
func (s StageVersions) Carries(column string) bool { return slices.Contains(s.Carried, column) }

// InKey reports whether column is of the key.
func (s StageVersions) InKey(column string) bool { return slices.Contains(s.Key, column) }

func (InsertUnfolded) Template() string   { return "insert_unfolded" }
func (SelectUnfolded) Template() string   { return "select_unfolded" }
func (StageUnfolded) Template() string    { return "stage_unfolded" }
func (DeleteUnfolded) Template() string   { return "delete_unfolded" }
func (StageTouched) Template() string     { return "stage_touched" }
func (TruncatedAt) Template() string      { return "truncated_at" }
func (UnchangedColumns) Template() string { return "unchanged_columns" }
func (StageLatest) Template() string      { return "stage_latest" }
func (DeleteOlder) Template() string      { return "delete_older" }
func (InsertLatest) Template() string     { return "insert_latest" }
func (StageVersions) Template() string    { return "stage_versions" }
func (CloseTruncated) Template() string   { return "close_truncated" }
func (DeleteRewritten) Template() string  { return "delete_rewritten" }
func (CloseBase) Template() string        { return "close_base" }
func (InsertVersions) Template() string   { return "insert_versions" }
func (DeleteFolded) Template() string     { return "delete_folded" }
