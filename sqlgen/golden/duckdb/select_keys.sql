SELECT _key, _landed_at FROM "raw"."events" WHERE rowid >= $1 AND rowid < $2 AND _landed_at >= $3
