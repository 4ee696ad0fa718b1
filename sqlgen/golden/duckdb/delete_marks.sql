DELETE FROM tidemill.marks AS m
USING "tidemill_arrow"."marks" AS n
WHERE m.pipeline = $1 AND m.scope = n.scope
