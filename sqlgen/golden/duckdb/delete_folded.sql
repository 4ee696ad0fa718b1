DELETE FROM "raw"."orders__changes"
WHERE _landed_at < $1
  AND _batch NOT IN (SELECT batch FROM tidemill.unfolded WHERE table_name = $2)
