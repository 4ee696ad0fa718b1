DELETE FROM "raw"."events" AS t
USING "temp"."stage" AS s
WHERE t."id" IS NOT DISTINCT FROM s."id" AND t."amount" IS NOT DISTINCT FROM s."amount"
