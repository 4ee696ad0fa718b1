{{
  config(
    materialized='incremental',
    incremental_strategy='merge',
    unique_key='batch_id',
  )
}}

-- Grain: one row for each print run.
select
    batch_id,
    card_id,
    machine_id,
    started_at,
    finished_at,
    cast(finished_at as date) as finished_on,
    planned,
    produced,
    defects,
    miscut,
    misprint,
    scratch,
    cast(100.0 * produced / nullif(made, 0) as decimal(5, 2)) as yield_percent,
    cast(100.0 * produced / nullif(planned, 0) as decimal(5, 2)) as fulfilment_percent,
    cast(3600.0 * made / nullif(seconds, 0) as decimal(12, 2)) as cards_per_hour,
    humidity_percent,
    origin,
    landed_at
from {{ ref('int_print_runs') }}
{% if is_incremental() %}
where {{ newly_landed() }}
{% endif %}
