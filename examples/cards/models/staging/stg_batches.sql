with events as (
{{ events_of('ManufacturingBatch') }}
)

select
    {{ json_text('payload', 'batchId') }} as batch_id,
    {{ json_text('payload', 'cardId') }} as card_id,
    {{ json_text('payload', 'machineId') }} as machine_id,
    {{ json_time('payload', 'startedAt') }} as started_at,
    {{ json_time('payload', 'finishedAt') }} as finished_at,
    {{ json_count('payload', 'planned') }} as planned,
    {{ json_count('payload', 'produced') }} as produced,
    {{ json_count('payload', 'defects') }} as defects,
    {{ json_count('payload', 'defectsByKind.miscut') }} as miscut,
    {{ json_count('payload', 'defectsByKind.misprint') }} as misprint,
    {{ json_count('payload', 'defectsByKind.scratch') }} as scratch,
    cast({{ json_text('payload', 'humidityPercent') }} as decimal(5, 2)) as humidity_percent,
    origin,
    _landed_at as landed_at
from events
