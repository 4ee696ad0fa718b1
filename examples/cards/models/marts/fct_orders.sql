{{
  config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key='order_id',
  )
}}

-- Grain: one row for each line of an order. All lines of an order come in one
-- event, so they are replaced together.
select
    order_id || '-' || line_number as order_line_id,
    order_id,
    line_number,
    card_id,
    customer_id,
    country,
    channel,
    coupon,
    status,
    status <> 'rejected' as is_sold,
    ordered_at,
    cast(ordered_at as date) as ordered_on,
    currency,
    quantity,
    unit_price_eur,
    case when status = 'rejected' then 0 else quantity end as quantity_sold,
    cast(case when status = 'rejected' then 0 else unit_price_eur * quantity end as decimal(18, 4)) as revenue_eur,
    origin,
    landed_at
from {{ ref('int_order_lines') }}
{% if is_incremental() %}
where {{ newly_landed() }}
{% endif %}
