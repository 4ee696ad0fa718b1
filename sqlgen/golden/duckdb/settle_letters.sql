UPDATE tidemill.dead_letters SET status = 'landed', settled_at = $1
WHERE status = 'dead' AND pipeline = $2 AND delivery IN (SELECT id FROM "tidemill_arrow"."found")
