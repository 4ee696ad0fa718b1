SELECT CAST(count(*) AS BIGINT) AS failures, count(*) != 0 AS should_warn, count(*) > 10 AS should_error
FROM (
select id from raw.orders_now -- all
) AS dbt_internal_test
