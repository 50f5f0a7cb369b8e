-- Columns of the relations in pilothouse.oids. format_type and col_description wait for nobody.
select
    cast(a.attrelid as bigint) as oid,
    a.attnum as position,
    a.attname as name,
    format_type(a.atttypid, a.atttypmod) as type,
    a.attnotnull as is_required,
    a.atthasdef as has_default,
    case a.attidentity when 'a' then 'always' when 'd' then 'by default' end as identity,
    case a.attgenerated when 's' then 'stored' when 'v' then 'virtual' end as generated,
    col_description(a.attrelid, a.attnum) as comment,
    tn.nspname as type_schema,
    t.typname as type_name
from pg_catalog.pg_attribute a
join pg_catalog.pg_class c
    on c.oid = a.attrelid
left join pg_catalog.pg_type t
    on t.oid = a.atttypid
    and t.typtype = 'e'
left join pg_catalog.pg_namespace tn
    on tn.oid = t.typnamespace
where
    a.attrelid = any(cast(string_to_array(current_setting('pilothouse.oids', true), ',') as oid[]))
    and a.attnum > 0
    and not a.attisdropped
    and c.relkind <> 'S'
order by a.attrelid, a.attnum
