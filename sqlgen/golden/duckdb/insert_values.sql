INSERT INTO "raw"."orders_now" ("id", "status") VALUES
  ('1', 'it''s'),
  ('2', NULL)
