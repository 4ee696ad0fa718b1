SELECT f.idx, d.status FROM "tidemill_arrow"."found" AS f JOIN tidemill.dead_letters AS d ON d.delivery = f.id AND d.pipeline = $1
