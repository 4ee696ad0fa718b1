UPDATE "raw"."orders" AS t
SET _valid_to = v._valid_to
FROM "temp"."versions" AS v
WHERE v._base AND v._valid_to IS NOT NULL
  AND v."id" IS NOT DISTINCT FROM t."id" AND v."line" IS NOT DISTINCT FROM t."line" AND t._version = v._version
  AND (t._valid_to IS NULL OR t._valid_to > v._valid_to)
