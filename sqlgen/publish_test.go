package sqlgen_test

import (
	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/sqlgen"
)

var publishSamples = map[string]sqlgen.Statement{
	"relation_kind":        sqlgen.RelationKind{},
	"table_indexes":        sqlgen.TableIndexes{},
	"rename_table":         sqlgen.RenameTable{Table: events, Name: "happenings"},
	"copy_table":           sqlgen.CopyTable{Table: tidemill.TableName{Schema: "raw", Name: "happenings"}, From: events},
	"copy_table_temporary": sqlgen.CopyTable{Table: tidemill.TableName{Schema: "temp", Name: "copy"}, From: events, Temporary: true},
}
