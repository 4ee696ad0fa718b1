-- Every event that landed is in its incremental mart, however late it came.
select 'fct_orders' as mart, o.order_id as id
from {{ ref('stg_orders') }} as o
left join {{ ref('fct_orders') }} as f on f.order_id = o.order_id
where f.order_id is null

union all

select 'fct_batch_performance', b.batch_id
from {{ ref('stg_batches') }} as b
left join {{ ref('fct_batch_performance') }} as f on f.batch_id = b.batch_id
where f.batch_id is null
