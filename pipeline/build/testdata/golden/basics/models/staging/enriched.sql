{{ config(materialized='ephemeral') }}
with b as (select * from {{ ref('base') }}) select b.*, c.name from b left join {{ ref('countries') }} c using (code)
