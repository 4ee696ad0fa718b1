CREATE TABLE "raw"."happenings" AS SELECT * FROM "raw"."events"
