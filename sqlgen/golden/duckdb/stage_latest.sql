CREATE TEMPORARY TABLE "temp"."another" AS
WITH changes AS (
  SELECT l.*
  FROM "raw"."orders__changes" AS l
  SEMI JOIN "temp"."touched" AS k ON k."id" IS NOT DISTINCT FROM l."id" AND k."line" IS NOT DISTINCT FROM l."line"
  WHERE l._op <> 'truncate'
), latest AS (
  SELECT * FROM changes
  QUALIFY row_number() OVER (PARTITION BY "id", "line" ORDER BY _version DESC, _landed_at DESC) = 1
)
SELECT n._op, n._version, n._source_time, n._landed_at, n."id", n."line", n."note", n."total"
FROM latest AS n
