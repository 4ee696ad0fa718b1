CREATE TABLE "raw"."new ""table""" AS (
select 1 as id -- one
)
