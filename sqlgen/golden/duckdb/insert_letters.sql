INSERT INTO tidemill.dead_letters
  (delivery, pipeline, source, type, message_id, value, code, reason, meta, protected, key, payload_hash, source_time, dead_at, batch, status)
SELECT delivery, $1, source, type, message_id, value, code, reason, meta, protected, key, payload_hash, source_time, $3, $2, 'dead'
FROM "tidemill_arrow"."letters"
