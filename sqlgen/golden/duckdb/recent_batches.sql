SELECT sum(landed)::BIGINT AS landed, sum(duplicates)::BIGINT AS duplicates, sum(dead)::BIGINT AS dead
FROM tidemill.batches
WHERE pipeline = $1
GROUP BY batch
ORDER BY max(committed_at) DESC
LIMIT $2
