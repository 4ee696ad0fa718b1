ALTER TABLE "raw"."events" RENAME TO "happenings"
