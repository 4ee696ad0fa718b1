CREATE TEMPORARY TABLE "t" AS (
select 1 as id
)
