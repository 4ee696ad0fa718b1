UPDATE "raw"."orders" AS t
SET _valid_to = (
  SELECT greatest(t._valid_from, arg_min(coalesce(l._source_time, l._landed_at), l._version))
  FROM "raw"."orders__changes" AS l
  WHERE l._op = 'truncate' AND l._version > t._version
)
WHERE EXISTS (
  SELECT 1 FROM "raw"."orders__changes" AS l
  WHERE l._op = 'truncate' AND l._version > t._version
    AND (t._valid_to IS NULL OR coalesce(l._source_time, l._landed_at) < t._valid_to)
)
