package sqlgen

import "github.com/tidemill/tidemill"

// RelationKind returns BASE TABLE, VIEW or nothing: $1 schema ("" for the
// current one), $2 name.
type RelationKind struct{}

// TableIndexes returns the statements that make the indexes of a table: $1
// schema ("" for the current one), $2 name.
type TableIndexes struct{}

// RenameTable gives a table another name in its schema.
type RenameTable struct {
	Table tidemill.TableName
	Name  string
}

// CopyTable makes a table of the rows of From.
type CopyTable struct {
	Table, From tidemill.TableName
	Temporary   bool // it ends with the connection
}

func (RelationKind) Template() string { return "relation_kind" }
func (TableIndexes) Template() string { return "table_indexes" }
func (RenameTable) Template() string  { return "rename_table" }
func (CopyTable) Template() string    { return "copy_table" }
