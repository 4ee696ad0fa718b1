-- Which ten cards earn most, and at which price compared with the catalogue?
select
    c.card_name,
    c.rarity,
    cast(sum(o.quantity_sold) as bigint) as sold,
    cast(sum(o.revenue_eur) as decimal(18, 2)) as revenue_eur,
    round(100 * sum(o.revenue_eur) / sum(o.quantity_sold * c.list_price_eur), 1) as percent_of_list_price
from marts.fct_orders as o
join marts.dim_card as c using (card_id)
where o.is_sold
group by c.card_id, c.card_name, c.rarity
order by revenue_eur desc, c.card_name
limit 10
