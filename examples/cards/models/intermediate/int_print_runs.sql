-- One row for each print run, with what was made and how long it took.
select
    *,
    produced + defects as made,
    {{ seconds_between('started_at', 'finished_at') }} as seconds
from {{ ref('stg_batches') }}
