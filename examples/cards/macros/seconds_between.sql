{# Whole seconds from one time to a later one. #}
{% macro seconds_between(earlier, later) -%}
  {%- if target.type == 'bigquery' -%}
    timestamp_diff({{ later }}, {{ earlier }}, second)
  {%- elif target.type == 'snowflake' -%}
    datediff('second', {{ earlier }}, {{ later }})
  {%- else -%}
    cast(extract(epoch from {{ later }} - {{ earlier }}) as bigint)
  {%- endif -%}
{%- endmacro %}
