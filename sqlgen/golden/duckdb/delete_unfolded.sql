DELETE FROM tidemill.unfolded
WHERE table_name = $1 AND batch IN (SELECT batch FROM "temp"."batches")
