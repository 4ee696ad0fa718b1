{% test at_least(model, column_name, least) %}
{{ config(severity='warn') }}
select * from {{ model }} where {{ column_name }} < {{ least }}
{% endtest %}
