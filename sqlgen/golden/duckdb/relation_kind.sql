SELECT table_type
FROM information_schema.tables
WHERE table_catalog = current_database()
  AND lower(table_schema) = lower(CASE WHEN $1::VARCHAR = '' THEN current_schema() ELSE $1::VARCHAR END)
  AND lower(table_name) = lower($2::VARCHAR)
