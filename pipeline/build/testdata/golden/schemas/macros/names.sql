{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ custom_schema_name if custom_schema_name else node.fqn[1] }}
{%- endmacro %}
{% macro generate_alias_name(custom_alias_name, node) -%} {{ node.name | upper }} {%- endmacro %}
