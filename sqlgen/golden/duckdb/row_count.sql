SELECT count(*) FROM "raw"."orders_now"
