{% macro money(column) %}{{ return(adapter.dispatch('money')(column)) }}{% endmacro %}
{% macro default__money(column) %}never{% endmacro %}
{% macro duckdb__money(column) -%} round({{ column }}, 2) as {{ column }} {%- endmacro %}
{% macro datediff_days(a, b) %}{{ dbt.datediff(a, b, 'day') }}{% endmacro %}
