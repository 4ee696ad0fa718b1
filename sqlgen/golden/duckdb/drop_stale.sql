DELETE FROM "temp"."stage" AS s
USING "raw"."events" AS t
WHERE t."id" IS NOT DISTINCT FROM s."id" AND t."amount" IS NOT DISTINCT FROM s."amount"
  AND t."version" IS NOT NULL
  AND (s."version" IS NULL OR t."version" > s."version")
