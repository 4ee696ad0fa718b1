SELECT column_name, is_nullable = 'YES' AS nullable
FROM information_schema.columns
WHERE table_catalog = current_database()
  AND lower(table_schema) = lower(CASE WHEN $1::VARCHAR = '' THEN current_schema() ELSE $1::VARCHAR END)
  AND lower(table_name) = lower($2::VARCHAR)
ORDER BY ordinal_position
