with events as (
{{ events_of('OrderCreated') }}
)

select
    {{ json_text('payload', 'orderId') }} as order_id,
    {{ json_text('payload', 'customer.customerId') }} as customer_id,
    {{ json_text('payload', 'customer.country') }} as country,
    {{ json_text('payload', 'currency') }} as currency,
    lower(replace(coalesce({{ json_text('payload', 'status') }}, 'unspecified'), 'ORDER_STATUS_', '')) as status,
    case
        when {{ json_value('payload', 'web') }} is not null then 'web'
        when {{ json_value('payload', 'shop') }} is not null then 'shop'
        when {{ json_value('payload', 'partner') }} is not null then 'partner'
    end as channel,
    {{ json_text('payload', 'web.coupon') }} as coupon,
    {{ json_time('payload', 'createdAt') }} as ordered_at,
    {{ json_value('payload', 'lines') }} as lines,
    origin,
    _landed_at as landed_at
from events
