SELECT f.idx FROM "tidemill_arrow"."found" AS f WHERE f.id IN (SELECT _key FROM "raw"."events")
