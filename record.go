package tidemill

import (
	"context"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
)

// The columns that records of a change stream begin with, before the columns
// of the source's table.
const (
	ColumnOp        = "_op"        // an Op
	ColumnVersion   = "_version"   // bytes that order the changes of a row; compared byte by byte
	ColumnUnchanged = "_unchanged" // names of columns whose values are not in the record, because they did not change; null if all are
)

// Op is what a change did to its row.
type Op string

// The operations. A change of a row's key is a Delete of the old key and an
// Insert of the new one.
const (
	OpSnapshot Op = "snapshot" // the row was there when the stream began
	OpInsert   Op = "insert"
	OpUpdate   Op = "update"
	OpDelete   Op = "delete"   // only the columns of the key have values, or what the source tells besides
	OpTruncate Op = "truncate" // all rows of an earlier version are gone; no column has a value
)

// ChangeFields returns the fields that records of a change stream begin with.
// _source_time is when the source committed the change.
func ChangeFields() []arrow.Field {
	return []arrow.Field{
		{Name: ColumnOp, Type: arrow.BinaryTypes.String},
		{Name: ColumnVersion, Type: arrow.BinaryTypes.Binary},
		{Name: ColumnUnchanged, Type: arrow.ListOf(arrow.BinaryTypes.String), Nullable: true},
		{Name: ColumnSourceTime, Type: Timestamp(), Nullable: true},
	}
}

// RecordFields returns the fields that rows of a bare table begin with, in
// order. They have no identities: see Table.Bare.
func RecordFields() []arrow.Field {
	return SystemFields()[3:]
}

// IsChange reports whether p is of a change stream.
func (p Part) IsChange() bool {
	s := p.Records.Schema()
	return s.NumFields() > 0 && s.Field(0).Name == ColumnOp
}

// Fold brings Target, a table of write mode Mirror or History, up to its
// change log. Rows of the two are told by Key.
type Fold struct {
	Log, Target TableName
	Write       WriteMode
	Key         []string

	// Keep is how long folded changes stay in the log. Until then a change
	// that comes late, after newer ones of its row, still finds its place.
	Keep time.Duration
}

// FoldReceipt says what a Fold did.
type FoldReceipt struct {
	Batches int64 // batches of the log that were new
	Rows    int64 // rows of Target that were written
}

// Folder is a Warehouse that folds change logs.
type Folder interface {
	// Fold applies the changes of every batch that was committed to f.Log and
	// not folded yet, in one transaction. It is idempotent, and safe beside
	// commits to the log and other folds. Of two changes of a row the one of
	// the higher version wins, whichever came first; a value that a change
	// says is unchanged is taken from before it.
	Fold(ctx context.Context, f Fold) (FoldReceipt, error)
}

// LogName is the change log of a table.
func LogName(t TableName) TableName {
	t.Name += "__changes"
	return t
}

// The columns of a History beside those of a Mirror.
const (
	ColumnValidFrom = "_valid_from" // when the row became so: _source_time, or _landed_at where that is unknown; never before the version before it
	ColumnValidTo   = "_valid_to"   // when the next version of the row or its deletion came; null for what holds now
)

// FoldedFields returns the fields that rows of a Mirror or a History begin
// with, in order, before those of the source.
func FoldedFields(w WriteMode) []arrow.Field {
	fields := []arrow.Field{
		{Name: ColumnVersion, Type: arrow.BinaryTypes.Binary},
		{Name: ColumnSourceTime, Type: Timestamp(), Nullable: true},
		{Name: ColumnLandedAt, Type: Timestamp()},
	}
	if w != History {
		return fields
	}
	return append(fields,
		arrow.Field{Name: ColumnValidFrom, Type: Timestamp()},
		arrow.Field{Name: ColumnValidTo, Type: Timestamp(), Nullable: true})
}
