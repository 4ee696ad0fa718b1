INSERT INTO tidemill.batches (pipeline, batch, table_name, landed, duplicates, dead, committed_at)
VALUES ($1, $2, $3, $4, $5, $6, $7)
