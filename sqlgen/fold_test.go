package sqlgen_test

import (
	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/sqlgen"
)

func temp(name string) tidemill.TableName { return tidemill.TableName{Schema: "temp", Name: name} }

var (
	orders     = tidemill.TableName{Schema: "raw", Name: "orders"}
	changes    = tidemill.LogName(orders)
	orderKey   = []string{"id", "line"}
	orderNames = []string{"id", "line", "note", "total"}
)

var foldSamples = map[string]sqlgen.Statement{
	"migration_2":       sqlgen.Migration{Version: 2},
	"insert_unfolded":   sqlgen.InsertUnfolded{},
	"select_unfolded":   sqlgen.SelectUnfolded{},
	"stage_unfolded":    sqlgen.StageUnfolded{Stage: temp("another")},
	"delete_unfolded":   sqlgen.DeleteUnfolded{Stage: temp("batches")},
	"stage_touched":     sqlgen.StageTouched{Stage: temp("another"), Log: changes, Batches: temp("batches"), Key: orderKey},
	"truncated_at":      sqlgen.TruncatedAt{Log: changes, Batches: temp("batches")},
	"unchanged_columns": sqlgen.UnchangedColumns{Log: changes, Touched: temp("touched"), Key: orderKey},
	"stage_latest": sqlgen.StageLatest{
		Stage: temp("another"), Log: changes, Target: orders, Touched: temp("touched"), Key: orderKey, Columns: orderNames,
	},
	"stage_latest_carried": sqlgen.StageLatest{
		Stage: temp("another"), Log: changes, Target: orders, Touched: temp("touched"), Key: orderKey, Columns: orderNames,
		Carried: []string{"note"}, Truncated: true,
	},
	"delete_older":  sqlgen.DeleteOlder{Target: orders},
	"insert_latest": sqlgen.InsertLatest{Target: orders, Latest: temp("latest"), Columns: orderNames},
	"stage_versions": sqlgen.StageVersions{
		Stage: temp("another"), Log: changes, Target: orders, Touched: temp("touched"), Key: orderKey, Columns: orderNames,
	},
	"stage_versions_carried": sqlgen.StageVersions{
		Stage: temp("another"), Log: changes, Target: orders, Touched: temp("touched"), Key: orderKey, Columns: orderNames,
		Carried: []string{"note"},
	},
	"close_truncated":  sqlgen.CloseTruncated{Target: orders, Log: changes},
	"delete_rewritten": sqlgen.DeleteRewritten{Target: orders, Touched: temp("touched"), Key: orderKey},
	"close_base":       sqlgen.CloseBase{Target: orders, Versions: temp("versions"), Key: orderKey},
	"insert_versions":  sqlgen.InsertVersions{Target: orders, Versions: temp("versions"), Columns: orderNames},
	"delete_folded":    sqlgen.DeleteFolded{Log: changes},
}
