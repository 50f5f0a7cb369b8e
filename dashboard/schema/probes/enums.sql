-- Labels of the enum types in pilothouse.oids, in their order.
select
    cast(e.enumtypid as bigint) as oid,
    array_agg(cast(e.enumlabel as text) order by e.enumsortorder) as labels
from pg_catalog.pg_enum e
where e.enumtypid = any(cast(string_to_array(current_setting('pilothouse.oids', true), ',') as oid[]))
group by e.enumtypid
order by e.enumtypid
