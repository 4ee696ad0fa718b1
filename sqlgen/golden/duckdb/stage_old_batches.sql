CREATE TEMPORARY TABLE "temp"."old_batches" AS
WITH by_batch AS (
  SELECT pipeline, batch, max(committed_at) AS committed_at, sum(landed + duplicates + dead) AS messages
  FROM tidemill.batches
  WHERE NOT starts_with(batch, 'day ')
  GROUP BY pipeline, batch
), later AS (
  SELECT pipeline, batch, committed_at,
    coalesce(sum(messages) OVER (
      PARTITION BY pipeline ORDER BY committed_at DESC, batch
      ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    ), 0) AS messages
  FROM by_batch
)
SELECT pipeline, batch FROM later WHERE committed_at < $1 AND messages >= $2
