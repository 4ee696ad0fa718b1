-- One row per type of event.
select type, count(*) as events, max(_landed_at) as last_landed_at
from {{ source('raw', 'events') }}
group by type
