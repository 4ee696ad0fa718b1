SELECT count(*) FROM (SELECT 1 FROM "incoming" GROUP BY "id", "amount" HAVING count(*) > 1)
