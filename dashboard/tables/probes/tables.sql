-- Every table of the database with its counters. Reads catalogues and pg_stat_get_* only: nothing here waits for a lock.
select
    cast(c.oid as bigint) as oid,
    n.nspname as schema,
    c.relname as name,
    c.relkind as kind,
    cast(case when c.relispartition then h.inhparent end as bigint) as parent_oid,
    cast(c.relpages as bigint) as pages,
    cast(c.reltuples as float8) as tuples,
    cast(nullif(c.reltoastrelid, 0) as bigint) as toast_oid,
    pg_stat_get_live_tuples(c.oid) as live_rows,
    pg_stat_get_dead_tuples(c.oid) as dead_rows,
    pg_stat_get_tuples_inserted(c.oid) as rows_inserted,
    pg_stat_get_tuples_updated(c.oid) as rows_updated,
    pg_stat_get_tuples_deleted(c.oid) as rows_deleted,
    pg_stat_get_numscans(c.oid) as sequential_scans,
    pg_stat_get_lastscan(c.oid) as last_sequential_scan_at,
    greatest(pg_stat_get_last_vacuum_time(c.oid), pg_stat_get_last_autovacuum_time(c.oid)) as last_vacuum_at,
    greatest(pg_stat_get_last_analyze_time(c.oid), pg_stat_get_last_autoanalyze_time(c.oid)) as last_analyze_at,
    cast(c.relfilenode as bigint) as relfilenode,
    coalesce(cast(c.reloptions as text), '{}') as options,
    pg_stat_get_tuples_hot_updated(c.oid) as rows_hot_updated,
    pg_stat_get_mod_since_analyze(c.oid) as modified_since_analyze,
    pg_stat_get_ins_since_vacuum(c.oid) as inserted_since_vacuum,
    pg_stat_get_last_autovacuum_time(c.oid) as last_autovacuum_at,
    pg_stat_get_last_autoanalyze_time(c.oid) as last_autoanalyze_at
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n
    on n.oid = c.relnamespace
left join pg_catalog.pg_inherits h
    on h.inhrelid = c.oid
    and h.inhseqno = 1
where
    c.relkind in ('r', 'p', 'm')
    and c.relpersistence <> 't'
    and n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast')
order by c.relpages desc, c.oid
