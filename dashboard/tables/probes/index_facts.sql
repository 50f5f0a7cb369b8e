-- What the shape of an index does not tell: invalid ones that no session is building (a build holds its lock on the table
-- also where its progress is hidden from us), and indexes of deferrable constraints.
select
    cast(i.indexrelid as bigint) as oid,
    not i.indisvalid and not exists (
        select
        from pg_catalog.pg_stat_progress_create_index p
        join pg_catalog.pg_locks l
            on l.pid = p.pid
        where
            l.database = (select d.oid from pg_catalog.pg_database d where d.datname = current_database())
            and l.relation = i.indrelid
            and l.granted
    ) as is_abandoned,
    not i.indimmediate as is_deferrable
from pg_catalog.pg_index i
join pg_catalog.pg_class c
    on c.oid = i.indexrelid
join pg_catalog.pg_namespace n
    on n.oid = c.relnamespace
where
    not (i.indisvalid and i.indimmediate)
    and n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast')
order by i.indexrelid
