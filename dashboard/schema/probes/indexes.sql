-- Indexes of the relations in pilothouse.oids, their shape from catalogue columns.
select
    cast(i.indrelid as bigint) as oid,
    cast(i.indexrelid as bigint) as index_oid,
    c.relname as name,
    m.amname as method,
    i.indisunique as is_unique,
    i.indisprimary as is_primary,
    i.indisvalid as is_valid,
    obj_description(c.oid, 'pg_class') as comment
from pg_catalog.pg_index i
join pg_catalog.pg_class c
    on c.oid = i.indexrelid
join pg_catalog.pg_am m
    on m.oid = c.relam
where i.indrelid = any(cast(string_to_array(current_setting('pilothouse.oids', true), ',') as oid[]))
order by i.indrelid, i.indisprimary desc, c.relname
