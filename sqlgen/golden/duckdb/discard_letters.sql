UPDATE tidemill.dead_letters SET status = 'discarded', settled_at = $5
WHERE status = 'dead' AND ($1 = '' OR pipeline = $1) AND ($2 = '' OR code = $2) AND ($3 = '' OR type = $3)
  AND starts_with(CAST(delivery AS VARCHAR), $4)
