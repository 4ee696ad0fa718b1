-- How much does each series earn, month by month?
select
    cast(date_trunc('month', o.ordered_on) as date) as month,
    c.series,
    count(distinct o.order_id) as orders,
    cast(sum(o.quantity_sold) as bigint) as cards,
    cast(sum(o.revenue_eur) as decimal(18, 2)) as revenue_eur
from marts.fct_orders as o
join marts.dim_card as c using (card_id)
where o.is_sold
group by month, c.series
order by month, c.series
