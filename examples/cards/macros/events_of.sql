{#
  The events of one type, from the stream and from the backfill, each event
  once: two rows with the same _payload_hash are the same event, whatever the
  encoding it came in and however often it was sent. The copy that landed
  first is kept, so that a later copy does not make an old event look new.
#}
{% macro events_of(type) %}
with united as (

    select 'stream' as origin, payload, _payload_hash, _landed_at
    from {{ source('raw', 'events') }}
    where type = '{{ type }}'

    union all

    select 'backfill' as origin, payload, _payload_hash, _landed_at
    from {{ source('raw', 'events_backfill') }}
    where type = '{{ type }}'

),

numbered as (

    select
        *,
        row_number() over (partition by _payload_hash order by _landed_at, origin) as copy_number
    from united

)

select origin, payload, _payload_hash, _landed_at
from numbered
where copy_number = 1
{% endmacro %}
