package sqlgen

import "github.com/tidemill/tidemill"

// A Query below is a SELECT that a user wrote: the one text that comes from
// outside. It stands alone between parentheses on lines of its own, so that a
// comment at its end hides nothing.

// CreateTableAs makes a table of the result of a query.
type CreateTableAs struct {
	Table tidemill.TableName
	Temp  bool // for this session only; Table has no schema then
	Query string
}

// CreateView makes a view, or replaces one.
type CreateView struct {
	View  tidemill.TableName
	Query string
}

// DropView removes a view.
type DropView struct{ View tidemill.TableName }

// DropTable removes a table if it is there.
type DropTable struct{ Table tidemill.TableName }

// InsertFrom copies all rows of a table into another, column by column.
type InsertFrom struct {
	Table, From tidemill.TableName
	Columns     []string
}

// RowCount counts the rows of a table.
type RowCount struct{ Table tidemill.TableName }

// DeleteMatching removes the rows whose keys are in From. Predicates are
// conditions of the user, over DBT_INTERNAL_DEST and DBT_INTERNAL_SOURCE.
type DeleteMatching struct {
	Table, From tidemill.TableName
	Keys        []string
	Predicates  []string
}

// MergeFrom updates the rows whose keys are in From and inserts the others.
// The keys of From must be unique: see DuplicateKeys. Predicates are as those
// of DeleteMatching.
type MergeFrom struct {
	Table, From tidemill.TableName
	Keys        []string
	Columns     []string // of an inserted row
	Update      []string // of an updated one; none leaves matches as they are
	Predicates  []string
}

// DuplicateKeys counts the keys that more than one row has.
type DuplicateKeys struct {
	Table tidemill.TableName
	Keys  []string
}

// TypedColumn is a column whose type is spelled as the warehouse does.
type TypedColumn struct{ Name, Type string }

// AddTypedColumn adds a column; rows that are there have null in it.
type AddTypedColumn struct {
	Table  tidemill.TableName
	Column TypedColumn
}

// DropColumn removes a column with its values.
type DropColumn struct {
	Table  tidemill.TableName
	Column string
}

// ChangeColumnType casts a column; it fails where a value cannot be cast.
type ChangeColumnType struct {
	Table  tidemill.TableName
	Column TypedColumn
}

// CreateTypedTable makes an empty table.
type CreateTypedTable struct {
	Table   tidemill.TableName
	Columns []TypedColumn
}

// InsertValues writes rows as literals, which the warehouse casts to the types
// of the columns. A nil cell is null.
type InsertValues struct {
	Table   tidemill.TableName
	Columns []string
	Rows    [][]*string
}

// ListRelations lists schema, name and type of what is in the schemas, and
// first of all the name of the database, with null for the rest.
type ListRelations struct{ Schemas []string }

// ListColumns lists schema, table, column and type of all columns of the
// tables, in order; the schema of a temporary table is "".
type ListColumns struct{ Tables []tidemill.TableName }

// CreateModelLedger makes the table that remembers which node of which run is
// done.
type CreateModelLedger struct{}

// AddModelRun writes to that ledger: run, node, status, rows, seconds, hash
// of the compiled SQL and time are its parameters.
type AddModelRun struct{}

// ModelRuns reads node, status, rows and seconds of the run $1.
type ModelRuns struct{}

func (CreateTableAs) Template() string     { return "create_table_as" }
func (CreateView) Template() string        { return "create_view" }
func (DropTable) Template() string         { return "drop_table" }
func (InsertFrom) Template() string        { return "insert_from" }
func (DropView) Template() string          { return "drop_view" }
func (RowCount) Template() string          { return "row_count" }
func (DeleteMatching) Template() string    { return "delete_matching" }
func (MergeFrom) Template() string         { return "merge_from" }
func (DuplicateKeys) Template() string     { return "duplicate_keys" }
func (AddTypedColumn) Template() string    { return "add_typed_column" }
func (DropColumn) Template() string        { return "drop_column" }
func (ChangeColumnType) Template() string  { return "change_column_type" }
func (CreateTypedTable) Template() string  { return "create_typed_table" }
func (InsertValues) Template() string      { return "insert_values" }
func (ListRelations) Template() string     { return "list_relations" }
func (ListColumns) Template() string       { return "list_columns" }
func (CreateModelLedger) Template() string { return "create_model_ledger" }
func (AddModelRun) Template() string       { return "add_model_run" }
func (ModelRuns) Template() string         { return "model_runs" }
