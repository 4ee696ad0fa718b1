DELETE FROM "raw"."orders" WHERE _version < $1
