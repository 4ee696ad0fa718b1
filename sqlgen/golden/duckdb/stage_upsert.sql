CREATE TEMPORARY TABLE "temp"."another" AS
SELECT "_key", "_delivery", "_payload_hash", "_pipeline", "_batch", "_source_time", "_landed_at", "id", "amount", "version" FROM "tidemill_arrow"."rows" WHERE "_keep"
QUALIFY row_number() OVER (
  PARTITION BY "id", "amount"
  ORDER BY "version" DESC NULLS LAST, "_order" DESC
) = 1
