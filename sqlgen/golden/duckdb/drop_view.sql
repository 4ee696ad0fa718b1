DROP VIEW "raw"."orders_seen"
