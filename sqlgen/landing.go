package sqlgen

import "github.com/tidemill/tidemill"

// FindDeliveries returns idx of the rows of Found(idx, id) whose id is a
// _delivery of Table; with Since only of rows that landed at $1 or later.
type FindDeliveries struct {
	Found, Table tidemill.TableName
	Since        bool
}

// NewestRow returns the latest _landed_at of Table, or null.
type NewestRow struct{ Table tidemill.TableName }

// FindKeys returns idx of the rows of Found(idx, id) whose id is a _key of
// Table; with Window only of rows that landed at $1 or later.
type FindKeys struct {
	Found, Table tidemill.TableName
	Window       bool
}

// SelectKeys returns _key and _landed_at of the rows of Table with a rowid
// from $1 to before $2; with Window only of those that landed at $3 or later.
type SelectKeys struct {
	Table  tidemill.TableName
	Window bool
}

// RowRange returns the number of rows and the end of the range of rowids.
type RowRange struct{ Table tidemill.TableName }

// InsertRows copies Columns of Source, which has just these in this order;
// with Keep it may have others, and only rows in which Keep is true count.
type InsertRows struct {
	Target, Source tidemill.TableName
	Columns        []string
	Keep           string
}

// StageUpsert makes the temporary table Stage of one row per Key of Source,
// where Keep is true: the highest Version, and of equals the highest Order.
type StageUpsert struct {
	Stage, Source tidemill.TableName
	Columns, Key  []string
	Version       string // "" where there is none
	Keep, Order   string
}

// DropStale removes from Stage the rows for which Target has a higher Version.
type DropStale struct {
	Target, Stage tidemill.TableName
	Key           []string
	Version       string
}

// DeleteMatched removes from Target the rows whose Key is in Stage.
type DeleteMatched struct {
	Target, Stage tidemill.TableName
	Key           []string
}

// CreateSeen makes the companion of an upsert table, which remembers the
// identities of all rows that were applied to it, with those of From.
type CreateSeen struct{ Seen, From tidemill.TableName }

// FindLetters returns idx and status of the rows of Found(idx, id) whose id is
// the delivery of a dead letter of a pipeline: $1 its name. Another pipeline
// that reads the same message has its own letter.
type FindLetters struct{ Found tidemill.TableName }

// SettleLetters marks the letters of Found(idx, id) as landed: $1 at, $2 the
// pipeline.
type SettleLetters struct{ Found tidemill.TableName }

// InsertLetters stores dead letters: $1 pipeline, $2 batch, $3 at.
type InsertLetters struct{ Letters tidemill.TableName }

// IdentityColumns are the columns of the companion that CreateSeen makes.
func IdentityColumns() []string {
	return []string{tidemill.ColumnKey, tidemill.ColumnDelivery, tidemill.ColumnLandedAt}
}

func (FindDeliveries) Template() string { return "find_deliveries" }
func (NewestRow) Template() string      { return "newest_row" }
func (FindKeys) Template() string       { return "find_keys" }
func (SelectKeys) Template() string     { return "select_keys" }
func (RowRange) Template() string       { return "row_range" }
func (InsertRows) Template() string     { return "insert_rows" }
func (StageUpsert) Template() string    { return "stage_upsert" }
func (DropStale) Template() string      { return "drop_stale" }
func (DeleteMatched) Template() string  { return "delete_matched" }
func (CreateSeen) Template() string     { return "create_seen" }
func (FindLetters) Template() string    { return "find_letters" }
func (SettleLetters) Template() string  { return "settle_letters" }
func (InsertLetters) Template() string  { return "insert_letters" }
