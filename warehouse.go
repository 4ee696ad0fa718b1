package tidemill

import (
	"context"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
)

// Dialect names the SQL that a warehouse speaks.
type Dialect string

// The dialects.
const (
	DuckDB    Dialect = "duckdb"
	Postgres  Dialect = "postgres"
	Snowflake Dialect = "snowflake"
	BigQuery  Dialect = "bigquery"
)

// Warehouse commits batches and runs SQL. It is all that the stages see. Its
// methods may be called from several goroutines.
type Warehouse interface {
	Dialect() Dialect

	// Evolve creates t where it is missing and adds the columns of want that
	// it lacks; a type that holds all values of the old one may replace it.
	// It never casts silently: a column that exists with another type is an
	// error with code SchemaIncompatible. It returns the table's schema as it
	// then is. A nil want changes nothing and returns nil for a missing table.
	Evolve(ctx context.Context, t Table, want *arrow.Schema) (*arrow.Schema, error)

	// Commit makes the rows, dead letters and marks of l durable together, or
	// none of them. Commits to one table are serial. It is idempotent by
	// l.Batch: it reads the ledger first, so that a Landing whose first
	// Commit ended in an unknown state may be committed again and lands once.
	// A mark whose stored position differs from From fails with code Fenced.
	Commit(ctx context.Context, l Landing) (Receipt, error)

	// Ledger returns what is recorded of a pipeline.
	Ledger(ctx context.Context, pipeline string) (Ledger, error)

	// Session pins one connection until Close.
	Session(ctx context.Context) (Session, error)

	// Publish puts the finished table built in the place of target, within
	// the transaction of s where the warehouse has such.
	Publish(ctx context.Context, s Session, built, target TableName) error

	// Close finishes what is under way and frees the warehouse.
	Close() error
}

// Session runs SQL on one connection. It is not safe for concurrent use.
// Arguments are nil, bool, int64, float64, string, []byte, time.Time or ID.
type Session interface {
	Begin(ctx context.Context) error
	Commit(ctx context.Context) error
	Rollback(ctx context.Context) error

	// Exec runs a statement and returns the number of rows it changed.
	Exec(ctx context.Context, sql string, args ...any) (int64, error)

	// Query streams a result. The caller releases the reader before the next
	// call on this session, and asks it for Err at its end.
	Query(ctx context.Context, sql string, args ...any) (array.RecordReader, error)

	// Close rolls back what is open and gives the connection back.
	Close() error
}

// TableName is a qualified name, unquoted.
type TableName struct {
	Schema string
	Name   string
}

// String joins the parts with a dot, for people and messages, not for SQL.
func (n TableName) String() string {
	if n.Schema == "" {
		return n.Name
	}
	return n.Schema + "." + n.Name
}

// WriteMode says what a row does to the table.
type WriteMode string

// The write modes.
const (
	Append WriteMode = "append" // every row is kept
	Upsert WriteMode = "upsert" // one row per Table.Key

	// Of change streams: rows go to the log of the table, which a Folder folds.
	Mirror  WriteMode = "mirror"  // the rows that the source has now
	History WriteMode = "history" // every version of every row, with the time in which it held
)

// Table is a landed table as its pipeline declares it.
type Table struct {
	TableName
	Write WriteMode

	// Key holds the columns that identify a row of an upsert.
	Key []string
	// Version is the column by which the newer of two rows of one key is
	// known; "" takes the one that landed later. Of an upsert only.
	Version string

	Dedupe Dedupe

	// Bare says that rows begin with RecordFields, not SystemFields: they are
	// records of a positioned source, whose marks keep them from landing twice.
	// Nothing is looked up for them, and Redelivered and Dedupe do not apply.
	Bare bool

	// Fold is set where this is the change log of a Mirror or a History: Commit
	// notes that its rows are to be folded so.
	Fold *Fold
}

// DedupeMode says how far back duplicates of _key are looked for.
type DedupeMode string

// The modes. Redelivered messages are recognised by _delivery in every mode.
const (
	DedupeOff     DedupeMode = "off"
	DedupeWindow  DedupeMode = "window"
	DedupeForever DedupeMode = "forever"
)

// Dedupe is the rule for duplicates that producers make.
type Dedupe struct {
	Mode   DedupeMode
	Window time.Duration // of DedupeWindow
}

// Landing is one batch to commit: its rows, dead letters and marks become
// visible together or not at all.
type Landing struct {
	Pipeline string
	Batch    string // unique; Commit is idempotent by it
	Rows     []TableRows
	Dead     []DeadLetter // unique by Delivery
	Marks    []Mark

	// Since is when the first of its messages was read. Until the Landing is
	// committed a source may deliver the same messages to another reader, whose
	// Commit may come first. So Commit looks every row's _delivery up, in all
	// modes, among the rows whose _landed_at is Since or later; with one
	// reader there are none. Zero looks nothing up.
	Since time.Time

	// Duplicates counts the dead letters that were removed within the batch
	// before Commit, because they came twice; the ledger counts them too.
	Duplicates int64

	// Note is what the pipeline wants to read in Ledger.Note when it runs
	// again: some KiB of its own making. It takes the place of the one before;
	// an empty one removes it, nil leaves it.
	Note []byte
}

// TableRows are the rows of one table in a Landing. Records begin with the
// columns of SystemFields; the caller keeps the reference and releases it
// after Commit.
type TableRows struct {
	Table   Table
	Records arrow.RecordBatch

	// Redelivered lists, in order, the indexes of rows that may have landed
	// before: Commit looks their _delivery up in the whole table, and settles
	// a dead letter of the same _delivery.
	Redelivered []int

	// Duplicates counts the rows that were removed within the batch before
	// Commit; the ledger counts them with those that Commit removes.
	Duplicates int64
}

// Receipt says what a Commit did. Rows + Duplicates + Dead equals the number
// of messages in the Landing, with those that its counts of Duplicates hold.
type Receipt struct {
	Rows       int64 // rows that landed; of an upsert, those that were applied or superseded by a newer one
	Duplicates int64 // rows and dead letters that were there before, or twice in the batch
	Dead       int64 // dead letters that are new
	Repeated   bool  // the batch had been committed before; the figures are those of then
}

// Ledger is the record of a pipeline in its warehouse.
type Ledger struct {
	Marks []Mark // To is the stored position of each scope; From is empty

	// Recent holds the figures of the last batches, newest first, as many as
	// cover at least 1,000 messages.
	Recent []Receipt

	// Note is the one that was committed last; empty if there is none.
	Note []byte

	// Unfolded are the folds that rows were committed for and that have not
	// been done since.
	Unfolded []Fold
}
