-- No card may be sold more often than it was produced. The rows of this test
-- are the cards for which that happened.
{{ config(severity='warn') }}

with sold as (

    select card_id, cast(sum(quantity_sold) as bigint) as sold
    from {{ ref('fct_orders') }}
    group by card_id

),

produced as (

    select card_id, cast(sum(produced) as bigint) as produced
    from {{ ref('fct_batch_performance') }}
    group by card_id

)

select
    c.card_id,
    c.card_name,
    s.sold,
    coalesce(p.produced, 0) as produced
from sold as s
join {{ ref('dim_card') }} as c on c.card_id = s.card_id
left join produced as p on p.card_id = s.card_id
where s.sold > coalesce(p.produced, 0)
