SELECT max(l._version) AS version, count(b.batch) AS fresh
FROM "raw"."orders__changes" AS l
LEFT JOIN "temp"."batches" AS b ON b.batch = l._batch
WHERE l._op = 'truncate'
