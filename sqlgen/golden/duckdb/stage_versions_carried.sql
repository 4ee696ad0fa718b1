CREATE TEMPORARY TABLE "temp"."another" AS
WITH events AS (
  (
    SELECT l._op, l._version, l._source_time, l._landed_at, coalesce(l._source_time, l._landed_at) AS _valid_from,
      l._unchanged, false AS _base, l."id", l."line", l."note", l."total"
    FROM "raw"."orders__changes" AS l
    JOIN "temp"."touched" AS k ON k."id" IS NOT DISTINCT FROM l."id" AND k."line" IS NOT DISTINCT FROM l."line"
    WHERE l._op <> 'truncate' AND l._version >= k._from
    QUALIFY row_number() OVER (PARTITION BY l."id", l."line", l._version ORDER BY l._landed_at) = 1
  )
  UNION ALL
  SELECT 'delete', l._version, l._source_time, l._landed_at, coalesce(l._source_time, l._landed_at), NULL, false, k."id", k."line", NULL, NULL
  FROM "raw"."orders__changes" AS l
  JOIN "temp"."touched" AS k ON l._version >= k._from
  WHERE l._op = 'truncate'
  UNION ALL
  (
    SELECT 'base', t._version, t._source_time, t._landed_at, t._valid_from, NULL, true, t."id", t."line", t."note", t."total"
    FROM "raw"."orders" AS t
    JOIN "temp"."touched" AS k ON k."id" IS NOT DISTINCT FROM t."id" AND k."line" IS NOT DISTINCT FROM t."line"
    WHERE t._version < k._from
    QUALIFY row_number() OVER (PARTITION BY t."id", t."line" ORDER BY t._version DESC) = 1
  )
), ordered AS (
  SELECT *, max(_valid_from) OVER (PARTITION BY "id", "line" ORDER BY _version) AS _since
  FROM events
)
SELECT _op, _version, _source_time, _landed_at, _since AS _valid_from, lead(_since) OVER w AS _valid_to, _base, "id", "line",
  (last_value(
    CASE WHEN coalesce(list_contains(_unchanged, 'note'), false) THEN NULL ELSE {'value': "note"} END IGNORE NULLS
  ) OVER w).value AS "note", "total"
FROM ordered
WINDOW w AS (PARTITION BY "id", "line" ORDER BY _version)
