package sqlgen_test

import (
	"github.com/apache/arrow-go/v18/arrow"

	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/sqlgen"
)

var events = tidemill.TableName{Schema: "raw", Name: "events"}

var tableSamples = map[string]sqlgen.Statement{
	"create_schema": sqlgen.CreateSchema{Schema: `odd "name"`},
	"create_table": sqlgen.CreateTable{
		Table: tidemill.TableName{Schema: "raw", Name: "orders"},
		Columns: append(tidemill.SystemFields(),
			arrow.Field{Name: "payload", Type: tidemill.JSON(), Nullable: true},
			arrow.Field{Name: "total", Type: &arrow.Decimal128Type{Precision: 18, Scale: 2}, Nullable: true},
			arrow.Field{Name: "tags", Type: arrow.ListOf(arrow.BinaryTypes.String), Nullable: true},
			arrow.Field{Name: "place", Type: arrow.StructOf(arrow.Field{Name: "Zip code", Type: arrow.PrimitiveTypes.Int32}), Nullable: true},
			arrow.Field{Name: "counts", Type: arrow.MapOf(arrow.BinaryTypes.String, arrow.PrimitiveTypes.Int64), Nullable: true},
		),
	},
	"describe_table": sqlgen.DescribeTable{},
	"empty_rows":     sqlgen.EmptyRows{Table: events},
	"add_column":     sqlgen.AddColumn{Table: events, Column: arrow.Field{Name: "select", Type: arrow.PrimitiveTypes.Float64}},
	"widen_column":   sqlgen.WidenColumn{Table: events, Column: arrow.Field{Name: "amount", Type: arrow.PrimitiveTypes.Int64}},
}
