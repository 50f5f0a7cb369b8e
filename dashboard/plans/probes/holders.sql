select
    l.pid,
    n.nspname::text || '.' || c.relname::text as relation,
    bool_or(l.granted) as has_it,
    coalesce(max(a.application_name), '')::text as application
from pg_locks l
join pg_class c on c.oid = l.relation
join pg_namespace n on n.oid = c.relnamespace
left join pg_stat_activity a on a.pid = l.pid
where l.locktype = 'relation'
    and l.mode = 'AccessExclusiveLock'
    and l.database = (select d.oid from pg_database d where d.datname = current_database())
    and c.relkind in ('r', 'p', 'v', 'm', 'f', 'i', 'I')
    and l.pid <> pg_backend_pid()
group by l.pid, n.nspname, c.relname
order by bool_or(l.granted) desc, l.pid, relation
limit 20
