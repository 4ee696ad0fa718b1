SELECT count(*) AS total, coalesce(max(rowid) + 1, 0)::BIGINT AS ends FROM "raw"."events"
