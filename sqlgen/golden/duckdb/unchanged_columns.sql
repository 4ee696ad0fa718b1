SELECT DISTINCT unnest(l._unchanged) AS name
FROM "raw"."orders__changes" AS l
SEMI JOIN "temp"."touched" AS k ON k."id" IS NOT DISTINCT FROM l."id" AND k."line" IS NOT DISTINCT FROM l."line"
WHERE l._unchanged IS NOT NULL
