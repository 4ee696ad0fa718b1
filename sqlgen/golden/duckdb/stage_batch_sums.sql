CREATE TEMPORARY TABLE "temp"."sums" AS
SELECT b.pipeline, 'day ' || strftime(make_timestamp(epoch_us(b.committed_at)), '%Y-%m-%d') AS batch, b.table_name,
  sum(b.landed)::BIGINT AS landed, sum(b.duplicates)::BIGINT AS duplicates, sum(b.dead)::BIGINT AS dead,
  max(b.committed_at) AS committed_at
FROM tidemill.batches AS b
JOIN "tidemill_arrow"."old" AS o ON o.pipeline = b.pipeline AND o.batch = b.batch
GROUP BY ALL
