DELETE FROM "raw"."orders" AS t
USING "temp"."touched" AS k
WHERE k."id" IS NOT DISTINCT FROM t."id" AND k."line" IS NOT DISTINCT FROM t."line" AND t._version >= k._from
