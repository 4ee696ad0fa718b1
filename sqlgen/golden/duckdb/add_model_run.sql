INSERT INTO tidemill.models (run, node, status, rows, seconds, sql_hash, finished_at) VALUES ($1, $2, $3, $4, $5, $6, $7)
