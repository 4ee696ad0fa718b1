UPDATE tidemill.dead_letters SET status = 'landed', settled_at = $1
WHERE status = 'dead' AND delivery IN (SELECT id FROM "tidemill_arrow"."found")
