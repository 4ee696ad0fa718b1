DROP TABLE IF EXISTS "raw"."orders_now"
