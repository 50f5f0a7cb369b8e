-- The texts of the relations in pilothouse.oids that only functions which wait for AccessExclusive locks can give:
-- the caller sets a lock timeout and leaves locked relations out.
with wanted as (
    select unnest(cast(string_to_array(current_setting('pilothouse.oids', true), ',') as oid[])) as oid
)
select cast(d.adrelid as bigint) as oid, 'default' as kind, cast(d.adnum as text) as part,
    pg_get_expr(d.adbin, d.adrelid) as text
from pg_catalog.pg_attrdef d
join wanted
    on wanted.oid = d.adrelid
union all
select cast(k.conrelid as bigint), 'key', k.conname, pg_get_constraintdef(k.oid, true)
from pg_catalog.pg_constraint k
join wanted
    on wanted.oid = k.conrelid
where k.contype in ('c', 'x')
union all
select cast(i.indrelid as bigint), 'index', cast(i.indexrelid as text), pg_get_indexdef(i.indexrelid, 0, true)
from pg_catalog.pg_index i
join wanted
    on wanted.oid = i.indrelid
union all
select cast(c.oid as bigint), 'bound', '', pg_get_expr(c.relpartbound, c.oid)
from pg_catalog.pg_class c
join wanted
    on wanted.oid = c.oid
where c.relispartition
union all
select cast(p.partrelid as bigint), 'partitioned by', '', pg_get_partkeydef(p.partrelid)
from pg_catalog.pg_partitioned_table p
join wanted
    on wanted.oid = p.partrelid
union all
select cast(c.oid as bigint), 'view', '', pg_get_viewdef(c.oid, true)
from pg_catalog.pg_class c
join wanted
    on wanted.oid = c.oid
where c.relkind in ('v', 'm')
order by 1, 2, 3
