SELECT
  count(*) FILTER (WHERE id IS NULL),
  count(*) FILTER (WHERE id IS NULL AND (amount > 1)),
  count(id || '-' || status) - count(DISTINCT id || '-' || status),
  count(id) FILTER (WHERE amount > 1) - count(DISTINCT id) FILTER (WHERE amount > 1),
  count(*) FILTER (WHERE (status NOT IN ('a', 'it''s'))),
  count(*) FILTER (WHERE (amount NOT IN (1, 2)) AND (id > 1)),
  count(*)
FROM "raw"."orders_now"
