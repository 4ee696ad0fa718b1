SELECT * FROM "raw"."orders_now" WHERE (id) IS NULL AND (amount > 1 or id > 2) LIMIT 5
