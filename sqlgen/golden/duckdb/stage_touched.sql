CREATE TEMPORARY TABLE "temp"."another" AS
SELECT "id", "line", min(_version) AS _from
FROM "raw"."orders__changes"
WHERE _op <> 'truncate' AND _batch IN (SELECT batch FROM "temp"."batches")
GROUP BY "id", "line"
