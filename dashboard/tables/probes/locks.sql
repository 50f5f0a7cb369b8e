-- Tables that somebody holds or waits for exclusively: asking for their sizes would wait in the same queue.
-- A lock on an index, a TOAST table or its index speaks about the table that owns it.
select distinct on (oid)
    cast(coalesce(owner.oid, i.indrelid, l.relation) as bigint) as oid,
    l.pid,
    l.granted,
    coalesce(l.waitstart, a.xact_start) as since
from pg_catalog.pg_locks l
left join pg_catalog.pg_index i
    on i.indexrelid = l.relation
left join pg_catalog.pg_class owner
    on owner.reltoastrelid = coalesce(i.indrelid, l.relation)
left join pg_catalog.pg_stat_activity a
    on a.pid = l.pid
where
    l.locktype = 'relation'
    and l.mode = 'AccessExclusiveLock'
    and l.database = (select d.oid from pg_catalog.pg_database d where d.datname = current_database())
order by 1, l.granted desc, since, l.pid
