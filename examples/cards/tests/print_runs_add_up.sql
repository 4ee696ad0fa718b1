-- A run gives no more cards than planned, and its defects are all of a kind.
select batch_id, planned, produced, defects, miscut, misprint, scratch
from {{ ref('fct_batch_performance') }}
where produced + defects > planned
   or miscut + misprint + scratch <> defects
   or finished_at < started_at
