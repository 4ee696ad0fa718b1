-- Which press needs service? Its defects stand out.
select
    m.machine_name,
    m.site,
    count(*) as runs,
    cast(sum(b.produced) as bigint) as produced,
    cast(sum(b.defects) as bigint) as defects,
    round(100.0 * sum(b.defects) / sum(b.produced + b.defects), 2) as defect_percent
from marts.fct_batch_performance as b
join seeds.machines as m using (machine_id)
group by m.machine_name, m.site
order by defect_percent desc
