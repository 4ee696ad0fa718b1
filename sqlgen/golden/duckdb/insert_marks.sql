INSERT INTO tidemill.marks (pipeline, scope, position, batch, updated_at)
SELECT $1, scope, after, $2, $3 FROM "tidemill_arrow"."marks"
