-- What autovacuum looks at, of every table and its TOAST table. Catalogues and pg_stat_get_* only: nothing here waits.
select
    cast(c.oid as bigint) as oid,
    n.nspname as schema,
    c.relname as name,
    c.relkind as kind,
    pn.nspname || '.' || p.relname as parent,
    cast(c.relpages as bigint) as pages,
    cast(c.reltuples as float8) as tuples,
    cast(c.relallfrozen as bigint) as frozen_pages,
    coalesce(c.reloptions, '{}') as options,
    pg_stat_get_dead_tuples(c.oid) as dead_rows,
    pg_stat_get_ins_since_vacuum(c.oid) as inserted_rows,
    pg_stat_get_mod_since_analyze(c.oid) as modified_rows,
    pg_stat_get_last_vacuum_time(c.oid) as last_vacuum_at,
    pg_stat_get_last_autovacuum_time(c.oid) as last_autovacuum_at,
    pg_stat_get_last_analyze_time(c.oid) as last_analyze_at,
    pg_stat_get_last_autoanalyze_time(c.oid) as last_autoanalyze_at,
    pg_stat_get_vacuum_count(c.oid) as vacuums,
    pg_stat_get_autovacuum_count(c.oid) as autovacuums,
    pg_stat_get_analyze_count(c.oid) as analyzes,
    pg_stat_get_autoanalyze_count(c.oid) as autoanalyzes,
    pg_stat_get_total_vacuum_time(c.oid) as vacuum_ms,
    pg_stat_get_total_autovacuum_time(c.oid) as autovacuum_ms,
    pg_stat_get_total_analyze_time(c.oid) as analyze_ms,
    pg_stat_get_total_autoanalyze_time(c.oid) as autoanalyze_ms,
    cast(cast(c.relfrozenxid as text) as bigint) as frozen_id,
    cast(cast(c.relminmxid as text) as bigint) as multixact_id,
    cast(t.reltuples as float8) as toast_tuples,
    t.reloptions as toast_options,
    pg_stat_get_dead_tuples(t.oid) as toast_dead_rows,
    cast(cast(t.relfrozenxid as text) as bigint) as toast_frozen_id,
    cast(cast(t.relminmxid as text) as bigint) as toast_multixact_id
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n
    on n.oid = c.relnamespace
left join pg_catalog.pg_class t
    on t.oid = c.reltoastrelid
left join pg_catalog.pg_inherits h
    on h.inhrelid = c.oid
    and c.relispartition
left join pg_catalog.pg_class p
    on p.oid = h.inhparent
left join pg_catalog.pg_namespace pn
    on pn.oid = p.relnamespace
where
    c.relkind in ('r', 'm')
    and c.relpersistence <> 't'
    and n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast')
order by c.oid
