-- Which cards were sold more often than they were produced?
select c.card_name, c.series, s.sold, p.produced, s.sold - p.produced as missing
from (select card_id, cast(sum(quantity_sold) as bigint) as sold from marts.fct_orders group by card_id) as s
join (select card_id, cast(sum(produced) as bigint) as produced from marts.fct_batch_performance group by card_id) as p using (card_id)
join marts.dim_card as c using (card_id)
where s.sold > p.produced
