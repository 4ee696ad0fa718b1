CREATE TABLE "raw"."new ""table""" (
  "id" BIGINT,
  "group" VARCHAR
)
