{# Models go to the schema that the project names, without the target's before it: marts.fct_orders. #}
{% macro generate_schema_name(custom_schema_name, node) -%}
  {{ (custom_schema_name or target.schema) | trim }}
{%- endmacro %}
