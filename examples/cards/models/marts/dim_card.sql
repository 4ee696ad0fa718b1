select
    card_id,
    card_name,
    series,
    rarity,
    list_price_eur,
    artist,
    finish,
    print_limit,
    catalogued_at
from {{ ref('stg_cards') }}
