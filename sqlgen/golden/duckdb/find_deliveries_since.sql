SELECT f.idx FROM "tidemill_arrow"."found" AS f WHERE f.id IN (SELECT _delivery FROM "raw"."events" WHERE _landed_at >= $1)
