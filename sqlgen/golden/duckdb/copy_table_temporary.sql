CREATE TEMPORARY TABLE "temp"."copy" AS SELECT * FROM "raw"."events"
