INSERT INTO "raw"."events" ("_key", "_delivery", "_payload_hash", "_pipeline", "_batch", "_source_time", "_landed_at", "id", "amount", "version")
SELECT * FROM "raw"."events"
