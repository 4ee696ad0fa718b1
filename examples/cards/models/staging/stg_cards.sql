with events as (
{{ events_of('CardCatalogCreated') }}
)

select
    {{ json_text('payload', 'cardId') }} as card_id,
    {{ json_text('payload', 'name') }} as card_name,
    {{ json_text('payload', 'series') }} as series,
    lower(replace(coalesce({{ json_text('payload', 'rarity') }}, 'unspecified'), 'RARITY_', '')) as rarity,
    cast({{ json_count('payload', 'listPrice') }} as decimal(18, 2)) * cast(0.01 as decimal(9, 2)) as list_price_eur,
    {{ json_text('payload', 'attributes.artist') }} as artist,
    {{ json_text('payload', 'attributes.finish') }} as finish,
    cast({{ json_text('payload', 'printLimit') }} as bigint) as print_limit,
    {{ json_time('payload', 'createdAt') }} as catalogued_at,
    origin,
    _landed_at as landed_at
from events
