{{ config(severity='warn', tags=['slow']) }}
select * from {{ ref('base') }} where id is null
