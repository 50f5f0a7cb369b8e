-- Free and dead bytes of the tables, or TOAST tables, in pilothouse.oids: pages that are not all-visible are read, the free space map tells the rest.
-- Waits for AccessExclusive locks: the caller sets a lock timeout and a statement timeout.
select
    cast(c.oid as bigint) as oid,
    s.table_len as size_bytes,
    cast(s.approx_free_space as float8) as free_bytes,
    s.dead_tuple_len as dead_bytes,
    s.scanned_percent as scanned_percent,
    coalesce(c.reloptions, '{}') as options
from pg_catalog.pg_class c
cross join lateral public.pgstattuple_approx(c.oid) s
where
    c.oid = any(cast(string_to_array(current_setting('pilothouse.oids', true), ',') as oid[]))
    and c.relkind in ('r', 'm', 't')
    and c.relam = (select m.oid from pg_catalog.pg_am m where m.amname = 'heap')
