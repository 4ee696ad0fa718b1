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

{#
  The rows of a relation, once for each element of a JSON array of theirs, with
  the columns element and element_number, which counts from 1. Rows with an
  empty array or none are left out.
#}
{% macro json_elements(relation, array) -%}
  {%- if target.type == 'postgres' -%}
    select t.*, e.element, e.element_number
    from {{ relation }} as t
    cross join lateral jsonb_array_elements(t.{{ array }}) with ordinality as e(element, element_number)
  {%- elif target.type == 'snowflake' -%}
    select t.*, e.value as element, e.index + 1 as element_number
    from {{ relation }} as t, lateral flatten(input => t.{{ array }}) as e
  {%- elif target.type == 'bigquery' -%}
    select t.*, element, element_offset + 1 as element_number
    from {{ relation }} as t
    cross join unnest(json_query_array(t.{{ array }})) as element with offset as element_offset
  {%- else -%}
    select t.*, unnest(t._elements) as element, generate_subscripts(t._elements, 1) as element_number
    from (select *, cast({{ array }} as json[]) as _elements from {{ relation }}) as t
  {%- endif -%}
{%- endmacro %}
