SELECT DISTINCT table_name FROM tidemill.batches WHERE pipeline = $1 AND table_name <> '' ORDER BY table_name
