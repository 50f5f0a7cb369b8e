-- Tables, their TOAST and b-trees of 1 MB and more as they were when last vacuumed or analyzed, and partitioned ones as their frames.
-- Catalogues, pg_stat_get_* and privileges only: nothing here waits for a lock.
-- Keys are deduplicated when each operator class has an equalimage function (its fourth) and no collation is fuzzy.
with equal_images as (
    select o.oid
    from pg_catalog.pg_opclass o
    join pg_catalog.pg_amproc p
        on p.amprocfamily = o.opcfamily
        and p.amproclefttype = o.opcintype
        and p.amprocrighttype = o.opcintype
        and p.amprocnum = 4
    where o.opcmethod = (select m.oid from pg_catalog.pg_am m where m.amname = 'btree')
)
select
    cast(c.oid as bigint) as oid,
    cast(coalesce(i.indrelid, o.oid, c.oid) as bigint) as table_oid,
    cast(h.inhparent as bigint) as parent_oid,
    c.relkind as kind,
    n.nspname as schema,
    c.relname as name,
    t.relname as table_name,
    cast(c.relpages as bigint) as pages,
    cast(c.reltuples as float8) as rows,
    cast(t.reltuples as float8) as table_rows,
    pg_stat_get_mod_since_analyze(t.oid) as modified,
    coalesce(c.reloptions, '{}') as options,
    m.amname as method,
    coalesce(
        has_table_privilege(t.oid, 'SELECT') and (i.indexprs is null or has_table_privilege(c.oid, 'SELECT')), false
    ) as may_read,
    t.relrowsecurity and row_security_active(t.oid) as is_hidden,
    coalesce(i.indisunique, false) as is_unique,
    i.indpred is not null as is_partial,
    coalesce(cast(cast(i.indkey as int2[]) as integer[]), '{}') as keys,
    coalesce(
        i.indnkeyatts = i.indnatts
        and not exists (
            select from unnest(cast(i.indclass as oid[])) as k(oid) where k.oid not in (select e.oid from equal_images e)
        )
        and not exists (
            select
            from unnest(cast(i.indcollation as oid[])) as k(oid)
            where k.oid in (select l.oid from pg_catalog.pg_collation l where not l.collisdeterministic)
        ),
        false
    ) as can_deduplicate
from pg_catalog.pg_class c
left join pg_catalog.pg_index i
    on i.indexrelid = c.oid
left join pg_catalog.pg_class o
    on o.reltoastrelid = c.oid
    and c.relkind = 't'
join pg_catalog.pg_class t
    on t.oid = coalesce(i.indrelid, o.oid, c.oid)
join pg_catalog.pg_namespace n
    on n.oid = t.relnamespace
left join pg_catalog.pg_am m
    on m.oid = c.relam
left join pg_catalog.pg_inherits h
    on h.inhrelid = c.oid
    and c.relispartition
where
    n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast')
    and t.relpersistence <> 't'
    and t.relkind in ('r', 'm', 'p')
    and (
        c.relkind in ('p', 'I')
        or (c.relpages >= 128 and (c.relkind in ('r', 'm', 't') or (c.relkind = 'i' and m.amname = 'btree')))
    )
order by c.relpages desc, c.oid
