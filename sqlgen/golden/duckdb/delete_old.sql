DELETE FROM "tidemill"."batches" AS t
USING "tidemill_arrow"."old" AS o
WHERE t.pipeline = o.pipeline AND t.batch = o.batch
