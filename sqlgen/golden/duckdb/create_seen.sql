CREATE TABLE IF NOT EXISTS "tidemill"."seen__raw__events" AS SELECT _key, _delivery, _landed_at FROM "raw"."events"
