ALTER TABLE "raw"."orders_now" ADD COLUMN "select" DECIMAL(18,2)
