SELECT CASE table_catalog WHEN 'temp' THEN '' ELSE table_schema END AS table_schema, table_name, column_name, data_type
FROM information_schema.columns
WHERE table_catalog = current_database() AND lower(table_schema) = lower('raw') AND lower(table_name) = lower('orders_now')
   OR table_catalog = 'temp' AND lower(table_name) = lower('incoming')
ORDER BY 1, 2, ordinal_position
