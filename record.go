package tidemill

import "github.com/apache/arrow-go/v18/arrow"

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
