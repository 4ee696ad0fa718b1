SELECT DISTINCT * FROM (
select id from raw.orders_now
) AS tidemill_found LIMIT 5
