SELECT CAST(delivery AS VARCHAR) AS delivery, pipeline, source, type, message_id, code, reason,
  CAST(meta AS VARCHAR) AS meta, protected, CAST(key AS VARCHAR) AS key, CAST(payload_hash AS VARCHAR) AS payload_hash,
  source_time, dead_at, batch, status, settled_at, CAST(coalesce(octet_length(value), 0) AS BIGINT) AS size, value
FROM tidemill.dead_letters
WHERE ($1 = '' OR pipeline = $1) AND ($2 = '' OR code = $2) AND ($3 = '' OR type = $3) AND ($4 = '' OR status = $4) AND starts_with(CAST(delivery AS VARCHAR), $6)
ORDER BY dead_at DESC, tidemill.dead_letters.delivery
LIMIT $5
