DROP TABLE IF EXISTS "temp"."stage"
