package sqlgen

import (
	"github.com/apache/arrow-go/v18/arrow"

	"github.com/tidemill/tidemill"
)

// CreateSchema makes a schema where it is missing.
type CreateSchema struct{ Schema string }

// CreateTable makes a table where it is missing.
type CreateTable struct {
	Table   tidemill.TableName
	Columns []arrow.Field // name, type and whether it may be null
}

// AddColumn adds a column at the end; rows that are there have null in it.
type AddColumn struct {
	Table  tidemill.TableName
	Column arrow.Field
}

// WidenColumn gives a column a type that holds all values of the old one.
type WidenColumn struct {
	Table  tidemill.TableName
	Column arrow.Field
}

func (CreateSchema) Template() string { return "create_schema" }
func (CreateTable) Template() string  { return "create_table" }
func (AddColumn) Template() string    { return "add_column" }
func (WidenColumn) Template() string  { return "widen_column" }

// DescribeTable returns the name of each column, in order, and whether it may
// be null: $1 schema ("" for the current one), $2 table.
type DescribeTable struct{}

// EmptyRows returns the columns of a table without a row.
type EmptyRows struct{ Table tidemill.TableName }

func (DescribeTable) Template() string { return "describe_table" }
func (EmptyRows) Template() string     { return "empty_rows" }
