CREATE TEMPORARY TABLE "temp"."another" AS
WITH changes AS (
  SELECT l.*
  FROM "raw"."orders__changes" AS l
  SEMI JOIN "temp"."touched" AS k ON k."id" IS NOT DISTINCT FROM l."id" AND k."line" IS NOT DISTINCT FROM l."line"
  WHERE l._op <> 'truncate' AND l._version >= $1
), latest AS (
  SELECT * FROM changes
  QUALIFY row_number() OVER (PARTITION BY "id", "line" ORDER BY _version DESC, _landed_at DESC) = 1
), carried AS (
  SELECT "id", "line",
    arg_max({'value': "note"}, _version) FILTER (WHERE NOT coalesce(list_contains(_unchanged, 'note'), false)) AS "note"
  FROM changes
  GROUP BY "id", "line"
)
SELECT n._op, n._version, n._source_time, n._landed_at, n."id", n."line",
  CASE
    WHEN NOT coalesce(list_contains(n._unchanged, 'note'), false) THEN n."note"
    WHEN c."note" IS NOT NULL THEN c."note".value
    ELSE t."note"
  END AS "note", n."total"
FROM latest AS n
JOIN carried AS c ON c."id" IS NOT DISTINCT FROM n."id" AND c."line" IS NOT DISTINCT FROM n."line"
LEFT JOIN "raw"."orders" AS t ON t."id" IS NOT DISTINCT FROM n."id" AND t."line" IS NOT DISTINCT FROM n."line"
