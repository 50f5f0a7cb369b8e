-- Foreign keys by column numbers; clones that PostgreSQL keeps for partitions (conparentid) are left out, and what is
-- never checked or checked by overlap. Nothing here waits for a lock.
select
    cast(k.oid as bigint) as oid,
    k.conname as name,
    cast(k.conrelid as bigint) as table_oid,
    cast(k.confrelid as bigint) as to_table_oid,
    k.conkey as columns,
    array(
        select cast(a.attname as text)
        from unnest(k.conkey) with ordinality as u(attnum, position)
        join pg_catalog.pg_attribute a
            on a.attrelid = k.conrelid
            and a.attnum = u.attnum
        order by u.position
    ) as names,
    array(
        select cast(a.attcollation as bigint)
        from unnest(k.conkey) with ordinality as u(attnum, position)
        join pg_catalog.pg_attribute a
            on a.attrelid = k.conrelid
            and a.attnum = u.attnum
        order by u.position
    ) as collations,
    case k.confdeltype when 'r' then 'restrict' when 'c' then 'cascade' when 'n' then 'set null'
        when 'd' then 'set default' else 'no action' end as on_delete
from pg_catalog.pg_constraint k
where
    k.contype = 'f'
    and k.conparentid = 0
    and k.conenforced
    and not k.conperiod
order by k.oid
