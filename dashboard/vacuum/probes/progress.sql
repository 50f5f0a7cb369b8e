-- Vacuums that run in this database now. Dead items are counted from version 17 on, and kept in bytes of memory since.
select
    cast(p.pid as bigint) as pid,
    n.nspname as schema,
    coalesce(o.relname, c.relname) as name,
    o.oid is not null as is_toast,
    p.phase as phase,
    p.heap_blks_total as blocks,
    p.heap_blks_scanned as blocks_scanned,
    p.heap_blks_vacuumed as blocks_vacuumed,
    p.index_vacuum_count as index_rounds,
    p.num_dead_item_ids as dead_items,
    p.indexes_total as indexes,
    p.indexes_processed as indexes_done,
    cast(p.delay_time as float8) as delay_ms,
    a.backend_type = 'autovacuum worker' as is_automatic,
    coalesce(a.query like '%(to prevent wraparound)%', false) as is_against_wraparound,
    a.xact_start as started_at,
    a.wait_event_type || ': ' || a.wait_event as waits_for
from pg_catalog.pg_stat_progress_vacuum p
left join pg_catalog.pg_class c
    on c.oid = p.relid
left join pg_catalog.pg_class o
    on o.reltoastrelid = c.oid
left join pg_catalog.pg_namespace n
    on n.oid = coalesce(o.relnamespace, c.relnamespace)
left join pg_catalog.pg_stat_activity a
    on a.pid = p.pid
where p.datname = current_database()
order by a.xact_start, p.pid
limit 100
