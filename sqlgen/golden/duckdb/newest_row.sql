SELECT max(_landed_at) AS newest FROM "raw"."events"
