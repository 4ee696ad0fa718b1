INSERT INTO "raw"."orders_now" ("id", "amount")
SELECT "id", "amount" FROM "incoming"
