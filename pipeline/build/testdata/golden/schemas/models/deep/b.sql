{{ config(schema='own', alias='ignored') }}select * from {{ ref('a') }}, '{{ this.schema }}'
