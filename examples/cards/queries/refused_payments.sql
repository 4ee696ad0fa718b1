-- Where are payments refused most often?
select
    channel,
    count(distinct order_id) as orders,
    count(distinct order_id) filter (where status = 'rejected') as refused,
    round(100.0 * count(distinct order_id) filter (where status = 'rejected') / count(distinct order_id), 2) as refused_percent
from marts.fct_orders
group by channel
order by refused_percent desc
