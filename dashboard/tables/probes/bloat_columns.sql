-- Columns of the relations in pilothouse.oids with their layout, and the statistics that the role may read.
-- Columns of an index are its own; those with an expression have statistics of their own too.
with wanted as (
    select
        c.oid,
        n.nspname,
        c.relname
    from pg_catalog.pg_class c
    join pg_catalog.pg_namespace n
        on n.oid = c.relnamespace
    where c.oid = any(cast(string_to_array(current_setting('pilothouse.oids', true), ',') as oid[]))
)
select
    cast(w.oid as bigint) as oid,
    a.attnum as number,
    a.attlen as length,
    a.attalign as alignment,
    a.attstorage as storage,
    a.atttypid = cast('pg_catalog.name' as regtype) or a.attlen = -2 as is_name,
    a.attisdropped as is_dropped,
    cast(s.null_frac as float8) as null_share,
    s.avg_width as width,
    cast(s.n_distinct as float8) as distinct,
    cast(s.correlation as float8) as correlation
from wanted w
join pg_catalog.pg_attribute a
    on a.attrelid = w.oid
    and a.attnum > 0
left join pg_catalog.pg_stats s
    on s.tablename = any(array(select relname from wanted))
    and s.schemaname = w.nspname
    and s.tablename = w.relname
    and s.attname = a.attname
    and not s.inherited
    and not a.attisdropped
order by w.oid, a.attnum
