select
    pg_database_size(current_database()) as size_bytes,
    (select sum(a.numbackends)::bigint from pg_stat_database a) as connections,
    current_setting('max_connections')::bigint as connections_max,
    d.xact_commit as commits,
    d.xact_rollback as rollbacks,
    d.blks_read as blocks_read,
    d.blks_hit as blocks_hit,
    d.tup_returned as rows_returned,
    d.tup_inserted + d.tup_updated + d.tup_deleted as rows_changed,
    d.temp_bytes as temp_bytes,
    d.deadlocks as deadlocks,
    (select w.wal_bytes::bigint from pg_stat_wal w) as wal_bytes,
    d.stats_reset as database_reset_at,
    (select b.stats_reset from pg_stat_bgwriter b) as shared_reset_at,
    pg_postmaster_start_time() as started_at,
    pg_is_in_recovery() as is_standby
from pg_stat_database d
where d.datname = current_database()
