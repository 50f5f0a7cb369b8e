-- The indexes of the tables in pilothouse.oids with their use. Their shape comes from catalogue columns, never from
-- pg_get_indexdef (it waits); arrays travel as texts.
select
    cast(i.indexrelid as bigint) as oid,
    cast(i.indrelid as bigint) as table_oid,
    cast(h.inhparent as bigint) as parent_oid,
    n.nspname as schema,
    t.relname as table_name,
    c.relname as name,
    c.relkind as kind,
    m.amname as method,
    cast(array(
        select coalesce(cast(a.attname as text), '(expression)')
        from unnest(i.indkey) with ordinality as k(attnum, position)
        left join pg_catalog.pg_attribute a
            on a.attrelid = i.indrelid
            and a.attnum = k.attnum
            and k.attnum <> 0
        where k.position <= i.indnkeyatts
        order by k.position
    ) as text) as columns,
    pg_stat_get_numscans(i.indexrelid) as scans,
    pg_stat_get_tuples_returned(i.indexrelid) as rows_read,
    pg_stat_get_lastscan(i.indexrelid) as last_scan_at,
    i.indisunique as is_unique,
    i.indisprimary as is_primary,
    i.indisvalid as is_valid,
    i.indpred is not null as is_partial,
    k.conname as constraint_name,
    cast((cast(i.indkey as int2[]))[0:i.indnkeyatts - 1] as text) as key_columns,
    cast((cast(i.indkey as int2[]))[i.indnkeyatts:] as text) as include_columns,
    cast((cast(i.indclass as oid[]))[0:] as text) as opclasses,
    cast((cast(i.indcollation as oid[]))[0:] as text) as collations,
    cast((cast(i.indoption as int2[]))[0:] as text) as options,
    coalesce(cast(c.reloptions as text), '{}') as storage_options,
    i.indnullsnotdistinct as nulls_not_distinct,
    i.indisready as is_ready,
    i.indisclustered as is_clustered,
    i.indisreplident as is_replica_identity,
    i.indisexclusion as is_exclusion,
    k.conname is not null as backs_constraint,
    exists (
        select
        from pg_catalog.pg_constraint r
        where
            r.confrelid = i.indrelid
            and r.conindid = i.indexrelid
            and r.contype = 'f'
    ) as is_referenced,
    cast(c.relpages as bigint) as pages,
    cast(c.reltuples as float8) as tuples,
    cast(c.relfilenode as bigint) as relfilenode
from pg_catalog.pg_index i
join pg_catalog.pg_class c
    on c.oid = i.indexrelid
join pg_catalog.pg_class t
    on t.oid = i.indrelid
join pg_catalog.pg_namespace n
    on n.oid = t.relnamespace
join pg_catalog.pg_am m
    on m.oid = c.relam
left join pg_catalog.pg_inherits h
    on h.inhrelid = i.indexrelid
left join pg_catalog.pg_constraint k
    on k.conindid = i.indexrelid
    and k.conrelid = i.indrelid
    and k.contype in ('p', 'u', 'x')
where i.indrelid = any(cast(string_to_array(current_setting('pilothouse.oids', true), ',') as oid[]))
order by i.indexrelid
