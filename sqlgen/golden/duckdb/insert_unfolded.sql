INSERT INTO tidemill.unfolded (table_name, batch, pipeline, fold) VALUES ($1, $2, $3, $4)
