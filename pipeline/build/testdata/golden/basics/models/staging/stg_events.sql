{{ config(tags=['hourly'], meta={'pii': true}) }}
-- {{ config.get('meta').pii }} {{ config.get('tags') }} {{ config.get('nothing', 'default') }}
select id, {{ dbt.safe_cast('amount', dbt.type_int()) }} as amount
from {{ source('raw', 'events') }}
where amount < {{ var('limit') }} and owner = {{ dbt.string_literal(var('owner')) }};
