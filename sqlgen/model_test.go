package sqlgen_test

import (
	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/sqlgen"
)

var (
	ordersNow  = tidemill.TableName{Schema: "raw", Name: "orders_now"}
	ordersSeen = tidemill.TableName{Schema: "raw", Name: "orders_seen"}
	incoming   = tidemill.TableName{Name: "incoming"}
	fresh      = tidemill.TableName{Schema: "raw", Name: `new "table"`}
	cell       = func(s string) *string { return &s }
)

var modelSamples = map[string]sqlgen.Statement{
	"create_table_as":      sqlgen.CreateTableAs{Table: fresh, Query: "select 1 as id -- one"},
	"create_table_as_temp": sqlgen.CreateTableAs{Table: tidemill.TableName{Name: "t"}, Temp: true, Query: "select 1 as id"},
	"create_view":          sqlgen.CreateView{View: ordersSeen, Query: "select 2 as id"},
	"drop_table":           sqlgen.DropTable{Table: ordersNow},
	"insert_from":          sqlgen.InsertFrom{Table: ordersNow, From: incoming, Columns: []string{"id", "amount"}},
	"drop_view":            sqlgen.DropView{View: ordersSeen},
	"row_count":            sqlgen.RowCount{Table: ordersNow},
	"delete_matching": sqlgen.DeleteMatching{
		Table: ordersNow, From: incoming, Keys: []string{"id", "amount"}, Predicates: []string{"DBT_INTERNAL_DEST.id > 10"},
	},
	"merge_from": sqlgen.MergeFrom{
		Table: ordersNow, From: incoming, Keys: []string{"id"}, Columns: []string{"id", "amount"}, Update: []string{"amount"},
		Predicates: []string{"DBT_INTERNAL_DEST.id > 10"},
	},
	"merge_from_insert_only": sqlgen.MergeFrom{Table: ordersNow, From: incoming, Keys: []string{"id"}, Columns: []string{"id", "amount"}},
	"duplicate_keys":         sqlgen.DuplicateKeys{Table: incoming, Keys: []string{"id", "amount"}},
	"add_typed_column":       sqlgen.AddTypedColumn{Table: ordersNow, Column: sqlgen.TypedColumn{Name: "select", Type: "DECIMAL(18,2)"}},
	"drop_column":            sqlgen.DropColumn{Table: ordersNow, Column: "status"},
	"change_column_type":     sqlgen.ChangeColumnType{Table: ordersNow, Column: sqlgen.TypedColumn{Name: "amount", Type: "BIGINT"}},
	"create_typed_table":     sqlgen.CreateTypedTable{Table: fresh, Columns: []sqlgen.TypedColumn{{Name: "id", Type: "BIGINT"}, {Name: "group", Type: "VARCHAR"}}},
	"insert_values":          sqlgen.InsertValues{Table: ordersNow, Columns: []string{"id", "status"}, Rows: [][]*string{{cell("1"), cell("it's")}, {cell("2"), nil}}},
	"list_relations":         sqlgen.ListRelations{Schemas: []string{"raw", "it's"}},
	"list_columns":           sqlgen.ListColumns{Tables: []tidemill.TableName{ordersNow, incoming}},
	"create_model_ledger":    sqlgen.CreateModelLedger{},
	"add_model_run":          sqlgen.AddModelRun{},
	"model_runs":             sqlgen.ModelRuns{},
	"data_test":              sqlgen.DataTest{Query: "select id from raw.orders_now -- all", FailCalc: "count(*)", WarnIf: "!= 0", ErrorIf: "> 10"},
	"data_test_limit":        sqlgen.DataTest{Query: "select id from raw.orders_now", FailCalc: "sum(id)", WarnIf: "!= 0", ErrorIf: "!= 0", Limit: 5},
	"sample":                 sqlgen.Sample{Query: "select id from raw.orders_now -- all", Limit: 5},
	"sample_distinct":        sqlgen.Sample{Query: "select id from raw.orders_now", Distinct: true, Limit: 5},
	"sample_nulls":           sqlgen.SampleNulls{From: `"raw"."orders_now"`, Column: "id", Limit: 5},
	"sample_nulls_where":     sqlgen.SampleNulls{From: `"raw"."orders_now"`, Column: "id", Where: "amount > 1 or id > 2", Limit: 5},
	"scan": sqlgen.Scan{From: `"raw"."orders_now"`, Checks: []sqlgen.Check{
		{Kind: sqlgen.NotNull, Column: "id"},
		{Kind: sqlgen.NotNull, Column: "id", Where: "amount > 1"},
		{Kind: sqlgen.Unique, Column: "id || '-' || status"},
		{Kind: sqlgen.Unique, Column: "id", Where: "amount > 1"},
		{Kind: sqlgen.Accepted, Column: "status", Values: []string{"a", "it's"}, Quote: true},
		{Kind: sqlgen.Accepted, Column: "amount", Values: []string{"1", "2"}, Where: "id > 1"},
	}},
}
