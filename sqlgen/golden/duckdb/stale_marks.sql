SELECT n.scope
FROM "tidemill_arrow"."marks" AS n
LEFT JOIN tidemill.marks AS m ON m.pipeline = $1 AND m.scope = n.scope
WHERE coalesce(m.position, ''::BLOB) <> n.before
ORDER BY n.scope
LIMIT 1
