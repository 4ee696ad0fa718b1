-- orders
with recursive x as (
  select * from {{ ref('enriched') }} union all select * from {{ ref('basics', 'base') }}
)
select {% for c in ['a', 'b'] -%} {{ money(c) }}{{ ', ' if not loop.last }} {%- endfor %},
  {{ datediff_days('first', 'last') }} as days, '{{ this }}' as me, '{{ model.unique_id }}' as id
from x
{% if is_incremental() %} where id > (select max(id) from {{ this }}) {% endif %}
