select
    n.nspname::text as schema,
    count(*) as tables,
    count(*) filter (where not has_table_privilege(c.oid, 'SELECT')) as unreadable,
    has_schema_privilege(n.oid, 'USAGE') as uses_schema
from pg_class c
join pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p', 'v', 'm', 'f')
    and n.nspname <> 'information_schema'
    and n.nspname !~ '^pg_'
    and not exists (
        select from pg_depend d
        where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e'
    )
group by n.oid, n.nspname
order by n.nspname
limit 200
