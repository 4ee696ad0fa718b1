CREATE TEMPORARY TABLE "temp"."sums" AS
SELECT d.pipeline, 'day ' || strftime(make_timestamp(epoch_us(d.removed_at)), '%Y-%m-%d') AS batch, d.table_name,
  d.kind, sum(d.count)::BIGINT AS count, max(d.removed_at) AS removed_at
FROM tidemill.duplicates AS d
JOIN "tidemill_arrow"."old" AS o ON o.pipeline = d.pipeline AND o.batch = d.batch
GROUP BY ALL
