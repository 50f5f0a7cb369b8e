-- Pages and how full the leaves are of the b-trees in pilothouse.oids: the whole index is read.
-- Waits for AccessExclusive locks: the caller sets a lock timeout and a statement timeout.
select
    cast(c.oid as bigint) as oid,
    s.index_size as size_bytes,
    s.internal_pages as internal_pages,
    s.leaf_pages as leaf_pages,
    cast(nullif(s.avg_leaf_density, 'NaN') as float8) as leaf_density_percent,
    coalesce(c.reloptions, '{}') as options
from pg_catalog.pg_class c
cross join lateral public.pgstatindex(cast(c.oid as regclass)) s
where
    c.oid = any(cast(string_to_array(current_setting('pilothouse.oids', true), ',') as oid[]))
    and c.relkind = 'i'
    and c.relam = (select m.oid from pg_catalog.pg_am m where m.amname = 'btree')
