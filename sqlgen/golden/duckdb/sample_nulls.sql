SELECT * FROM "raw"."orders_now" WHERE (id) IS NULL LIMIT 5
