SELECT CAST(sum(id) AS BIGINT) AS failures, sum(id) != 0 AS should_warn, sum(id) != 0 AS should_error
FROM (
SELECT * FROM (
select id from raw.orders_now
) LIMIT 5
) AS dbt_internal_test
