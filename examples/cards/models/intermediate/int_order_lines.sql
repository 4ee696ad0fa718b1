-- One row for each line of each order, with prices in euros.
with lines as (

    select
        o.*,
        l.number as line_number,
        {{ json_text('l.value', 'cardId') }} as card_id,
        {{ json_count('l.value', 'quantity') }} as quantity,
        {{ json_count('l.value', 'unitPrice') }} as unit_price_minor
    from {{ ref('stg_orders') }} as o
    {{ unnest_json('o.lines', 'l') }}

)

select
    l.order_id,
    l.line_number,
    l.card_id,
    l.customer_id,
    l.country,
    l.channel,
    l.coupon,
    l.status,
    l.ordered_at,
    l.currency,
    l.quantity,
    l.unit_price_minor,
    cast(l.unit_price_minor as decimal(18, 0)) * c.eur_per_minor_unit as unit_price_eur,
    l.origin,
    l.landed_at
from lines as l
left join {{ ref('currencies') }} as c on c.currency = l.currency
