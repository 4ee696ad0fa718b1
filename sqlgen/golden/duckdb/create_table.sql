CREATE TABLE IF NOT EXISTS "raw"."orders" (
  "_key" UUID NOT NULL,
  "_delivery" UUID NOT NULL,
  "_payload_hash" UUID NOT NULL,
  "_pipeline" VARCHAR NOT NULL,
  "_batch" VARCHAR NOT NULL,
  "_source_time" TIMESTAMPTZ,
  "_landed_at" TIMESTAMPTZ NOT NULL,
  "payload" JSON,
  "total" DECIMAL(18, 2),
  "tags" VARCHAR[],
  "place" STRUCT("Zip code" INTEGER),
  "counts" MAP(VARCHAR, BIGINT)
)
