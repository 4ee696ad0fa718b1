SELECT sql
FROM duckdb_indexes()
WHERE database_name = current_database()
  AND lower(schema_name) = lower(CASE WHEN $1::VARCHAR = '' THEN current_schema() ELSE $1::VARCHAR END)
  AND lower(table_name) = lower($2::VARCHAR)
  AND sql IS NOT NULL
ORDER BY index_name
