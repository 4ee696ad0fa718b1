SELECT * FROM (
select id from raw.orders_now -- all
) AS tidemill_found LIMIT 5
