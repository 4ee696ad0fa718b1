SELECT * FROM "raw"."events" LIMIT 0
