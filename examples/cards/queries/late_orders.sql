-- How many orders of the stream landed in a later batch than an order that was
-- placed an hour after them, and would be missed by a watermark on ordered_at?
with arrivals as (
    select
        order_id,
        min(ordered_at) as ordered_at,
        min(landed_at) as landed_at
    from marts.fct_orders
    where origin = 'stream'
    group by order_id
),
batches as (
    select landed_at, max(ordered_at) as newest
    from arrivals
    group by landed_at
),
reached as (
    select landed_at, max(newest) over (order by landed_at rows between unbounded preceding and 1 preceding) as newest
    from batches
)
select count(*) as orders, count(*) filter (where a.ordered_at < r.newest - interval '1 hour') as late
from arrivals as a
join reached as r using (landed_at)
