ALTER TABLE "raw"."orders_now" DROP COLUMN "status"
