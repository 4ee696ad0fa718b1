SELECT count(*) AS entries,
  coalesce(sum(landed), 0)::BIGINT AS landed,
  coalesce(sum(duplicates), 0)::BIGINT AS duplicates,
  coalesce(sum(dead), 0)::BIGINT AS dead
FROM tidemill.batches
WHERE pipeline = $1 AND batch = $2
