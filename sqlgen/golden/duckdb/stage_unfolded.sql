CREATE TEMPORARY TABLE "temp"."another" AS
SELECT batch FROM tidemill.unfolded WHERE table_name = $1 ORDER BY batch LIMIT $2
