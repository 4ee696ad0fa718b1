INSERT INTO "raw"."orders" (_version, _source_time, _landed_at, _valid_from, _valid_to, "id", "line", "note", "total")
SELECT _version, _source_time, _landed_at, _valid_from, _valid_to, "id", "line", "note", "total"
FROM "temp"."versions"
WHERE NOT _base AND _op <> 'delete'
