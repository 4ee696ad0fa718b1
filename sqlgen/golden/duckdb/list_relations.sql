SELECT current_database() AS database, NULL AS table_schema, NULL AS table_name, NULL AS table_type
UNION ALL
SELECT current_database(), table_schema, table_name, table_type FROM information_schema.tables
WHERE table_catalog = current_database() AND table_schema IN ('raw', 'it''s')
ORDER BY 2 NULLS FIRST, 3
