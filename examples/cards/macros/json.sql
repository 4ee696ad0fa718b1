{#
  Access to JSON, once for every warehouse. A payload is the JSON form of a
  protobuf message: names in lowerCamelCase, 64-bit integers as text, fields
  that are zero left out. So every value is read as text and then cast, and
  what may be zero needs a coalesce.
#}

{# The text at a dotted path: {{ json_text('payload', 'customer.country') }} #}
{% macro json_text(column, path) -%}
  {%- if target.type == 'postgres' -%}
    ({{ column }}::jsonb #>> '{ {{- path.replace('.', ',') -}} }')
  {%- elif target.type == 'snowflake' -%}
    ({{ column }}:{{ path }}::string)
  {%- elif target.type == 'bigquery' -%}
    json_value({{ column }}, '$.{{ path }}')
  {%- else -%}
    ({{ column }} ->> '$.{{ path }}')
  {%- endif -%}
{%- endmacro %}

{# The whole number at a path; 0 where the field is left out. #}
{% macro json_count(column, path) -%}
  coalesce(cast({{ json_text(column, path) }} as bigint), 0)
{%- endmacro %}

{# The time at a path, in UTC. #}
{% macro json_time(column, path) -%}
  cast({{ json_text(column, path) }} as timestamp)
{%- endmacro %}

{# The JSON at a path, null where the field is left out. #}
{% macro json_value(column, path) -%}
  {%- if target.type == 'postgres' -%}
    ({{ column }}::jsonb #> '{ {{- path.replace('.', ',') -}} }')
  {%- elif target.type == 'snowflake' -%}
    ({{ column }}:{{ path }})
  {%- elif target.type == 'bigquery' -%}
    json_query({{ column }}, '$.{{ path }}')
  {%- else -%}
    ({{ column }} -> '$.{{ path }}')
  {%- endif -%}
{%- endmacro %}

{# One row for each element of a JSON array: columns `as_name`.value and .number, which counts from 1. #}
{% macro unnest_json(array, as_name) -%}
  {%- if target.type == 'postgres' -%}
    cross join lateral jsonb_array_elements({{ array }}) with ordinality as {{ as_name }}(value, number)
  {%- elif target.type == 'snowflake' -%}
    cross join lateral (select value, index + 1 as number from table(flatten(input => {{ array }}))) as {{ as_name }}
  {%- elif target.type == 'bigquery' -%}
    cross join (select value, offset + 1 as number from unnest(json_query_array({{ array }})) as value with offset) as {{ as_name }}
  {%- else -%}
    cross join unnest(from_json({{ array }}, '["JSON"]')) with ordinality as {{ as_name }}(value, number)
  {%- endif -%}
{%- endmacro %}
