package sqlgen_test

import (
	"github.com/tidemill/tidemill"
	"github.com/tidemill/tidemill/sqlgen"
)

func arrowView(name string) tidemill.TableName {
	return tidemill.TableName{Schema: "tidemill_arrow", Name: name}
}

var (
	stage   = tidemill.TableName{Schema: "temp", Name: "stage"}
	columns = []string{"_key", "_delivery", "_payload_hash", "_pipeline", "_batch", "_source_time", "_landed_at", "id", "amount", "version"}
	key     = []string{"id", "amount"}
)

var ledgerSamples = map[string]sqlgen.Statement{
	"migration_1":       sqlgen.Migration{Version: 1},
	"select_version":    sqlgen.SelectVersion{},
	"insert_version":    sqlgen.InsertVersion{},
	"select_batch":      sqlgen.SelectBatch{},
	"insert_batch":      sqlgen.InsertBatch{},
	"insert_duplicates": sqlgen.InsertDuplicates{},
	"recent_batches":    sqlgen.RecentBatches{},
	"pipeline_tables":   sqlgen.PipelineTables{},
	"select_marks":      sqlgen.SelectMarks{},
	"stale_marks":       sqlgen.StaleMarks{Marks: arrowView("marks")},
	"delete_marks":      sqlgen.DeleteMarks{Marks: arrowView("marks")},
	"insert_marks":      sqlgen.InsertMarks{Marks: arrowView("marks")},

	"newest_batch":         sqlgen.NewestBatch{},
	"stage_old_batches":    sqlgen.StageOldBatches{Stage: tidemill.TableName{Schema: "temp", Name: "old_batches"}},
	"stage_batch_sums":     sqlgen.StageBatchSums{Sums: tidemill.TableName{Schema: "temp", Name: "sums"}, Old: arrowView("old")},
	"stage_duplicate_sums": sqlgen.StageDuplicateSums{Sums: tidemill.TableName{Schema: "temp", Name: "sums"}, Old: arrowView("old")},
	"delete_old":           sqlgen.DeleteOld{Target: tidemill.TableName{Schema: "tidemill", Name: "batches"}, Old: arrowView("old")},
}

var landingSamples = map[string]sqlgen.Statement{
	"find_deliveries":       sqlgen.FindDeliveries{Found: arrowView("found"), Table: events},
	"find_deliveries_since": sqlgen.FindDeliveries{Found: arrowView("found"), Table: events, Since: true},
	"newest_row":            sqlgen.NewestRow{Table: events},
	"find_keys":             sqlgen.FindKeys{Found: arrowView("found"), Table: events},
	"find_keys_since":       sqlgen.FindKeys{Found: arrowView("found"), Table: events, Window: true},
	"select_keys":           sqlgen.SelectKeys{Table: events, Window: true},
	"row_range":             sqlgen.RowRange{Table: events},
	"insert_rows":           sqlgen.InsertRows{Target: events, Source: arrowView("rows"), Columns: columns, Keep: "_keep"},
	"insert_rows_all":       sqlgen.InsertRows{Target: events, Source: events, Columns: columns},
	"stage_upsert": sqlgen.StageUpsert{
		Stage: tidemill.TableName{Schema: "temp", Name: "another"}, Source: arrowView("rows"), Columns: columns,
		Key: key, Version: "version", Keep: "_keep", Order: "_order",
	},
	"stage_upsert_arrival": sqlgen.StageUpsert{
		Stage: tidemill.TableName{Schema: "temp", Name: "another"}, Source: arrowView("rows"), Columns: columns,
		Key: key, Keep: "_keep", Order: "_order",
	},
	"drop_stale":     sqlgen.DropStale{Target: events, Stage: stage, Key: key, Version: "version"},
	"delete_matched": sqlgen.DeleteMatched{Target: events, Stage: stage, Key: key},
	"create_seen":    sqlgen.CreateSeen{Seen: tidemill.TableName{Schema: "tidemill", Name: "seen__raw__events"}, From: events},
	"find_letters":   sqlgen.FindLetters{Found: arrowView("found")},
	"settle_letters": sqlgen.SettleLetters{Found: arrowView("found")},
	"insert_letters": sqlgen.InsertLetters{Letters: arrowView("letters")},
}
