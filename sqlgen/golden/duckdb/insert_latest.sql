INSERT INTO "raw"."orders" (_version, _source_time, _landed_at, "id", "line", "note", "total")
SELECT _version, _source_time, _landed_at, "id", "line", "note", "total"
FROM "temp"."latest"
WHERE _op <> 'delete'
