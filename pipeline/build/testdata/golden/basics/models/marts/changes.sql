{{ config(materialized='incremental', unique_key=['a', 'b']) }}
{% set columns = adapter.get_columns_in_relation(ref('orders')) if execute else [] -%}
select {{ dbt.date_trunc('month', 'at') }} as month, {{ dbt.dateadd('day', 3, 'at') }} as later, {{ dbt.hash('x') }} as h
from {{ ref('orders') }} {% if is_incremental() %}join {{ ref('stg_events') }} using (id){% endif %}
