INSERT INTO tidemill.duplicates (pipeline, batch, table_name, kind, count, removed_at)
VALUES ($1, $2, $3, $4, $5, $6)
