-- Exact sizes of the tables in pilothouse.oids (all forks; TOAST with its index) and of each of their indexes.
-- pg_relation_size waits for AccessExclusive locks: the caller sets a lock timeout and leaves locked tables out.
select
    cast(c.oid as bigint) as table_oid,
    cast(null as bigint) as index_oid,
    pg_relation_size(c.oid, 'main') + pg_relation_size(c.oid, 'fsm')
        + pg_relation_size(c.oid, 'vm') + pg_relation_size(c.oid, 'init') as size_bytes,
    coalesce(pg_total_relation_size(nullif(c.reltoastrelid, 0)), 0) as toast_bytes
from pg_catalog.pg_class c
where c.oid = any(cast(string_to_array(current_setting('pilothouse.oids', true), ',') as oid[]))
union all
select
    cast(i.indrelid as bigint),
    cast(i.indexrelid as bigint),
    pg_total_relation_size(i.indexrelid),
    0
from pg_catalog.pg_index i
where i.indrelid = any(cast(string_to_array(current_setting('pilothouse.oids', true), ',') as oid[]))
order by 1, 2
