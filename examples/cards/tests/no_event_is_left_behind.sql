-- Every event that landed is in its incremental mart, however late it came.
-- What landed after the newest row of the mart came while it was built: the
-- next build has it.
select 'fct_orders' as mart, o.order_id as id
from {{ ref('stg_orders') }} as o
left join {{ ref('fct_orders') }} as f on f.order_id = o.order_id
where f.order_id is null
    and o.landed_at <= (select max(landed_at) from {{ ref('fct_orders') }})

union all

select 'fct_batch_performance', b.batch_id
from {{ ref('stg_batches') }} as b
left join {{ ref('fct_batch_performance') }} as f on f.batch_id = b.batch_id
where f.batch_id is null
    and b.landed_at <= (select max(landed_at) from {{ ref('fct_batch_performance') }})
