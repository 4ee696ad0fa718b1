select 1 as one, '{{ this }}' as me, {{ target.name | tojson }} as t
