CREATE OR REPLACE VIEW "raw"."orders_seen" AS (
select 2 as id
)
