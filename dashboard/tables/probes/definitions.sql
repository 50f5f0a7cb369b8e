-- Definitions of the indexes in pilothouse.oids. pg_get_indexdef waits for AccessExclusive locks: the caller leaves locked tables out.
select
    cast(i.indexrelid as bigint) as oid,
    pg_get_indexdef(i.indexrelid) as definition
from pg_catalog.pg_index i
where i.indexrelid = any(cast(string_to_array(current_setting('pilothouse.oids', true), ',') as oid[]))
order by i.indexrelid
