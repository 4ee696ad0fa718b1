{# Where models go. A project changes these by a macro of the same name. #}

{% macro generate_schema_name(custom_schema_name=none, node=none) -%}
    {{ target.schema }}{% if custom_schema_name is not none and custom_schema_name %}_{{ custom_schema_name | trim }}{% endif %}
{%- endmacro %}

{% macro generate_alias_name(custom_alias_name=none, node=none) -%}
    {{ custom_alias_name | trim if custom_alias_name else node.name }}
{%- endmacro %}

{% macro generate_database_name(custom_database_name=none, node=none) -%}
    {{ custom_database_name | trim if custom_database_name else target.database }}
{%- endmacro %}
