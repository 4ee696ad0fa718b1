-- One row for each line of each order, with prices in euros.
with lines as (

    {{ json_elements(ref('stg_orders'), 'lines') }}

),

read as (

    select
        *,
        element_number as line_number,
        {{ json_text('element', 'cardId') }} as card_id,
        {{ json_count('element', 'quantity') }} as quantity,
        {{ json_count('element', 'unitPrice') }} as unit_price_minor
    from lines

)

select
    r.order_id,
    r.line_number,
    r.card_id,
    r.customer_id,
    r.country,
    r.channel,
    r.coupon,
    r.status,
    r.ordered_at,
    r.currency,
    r.quantity,
    r.unit_price_minor,
    cast(r.unit_price_minor as decimal(18, 0)) * c.eur_per_minor_unit as unit_price_eur,
    r.origin,
    r.landed_at
from read as r
left join {{ ref('currencies') }} as c on c.currency = r.currency
