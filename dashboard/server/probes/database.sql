select
    pg_database_size(current_database()) as size_bytes,
    (
        select count(*)
        from pg_stat_activity a
        where a.backend_type = 'client backend' or (a.backend_type is null and a.datid is not null)
    ) as connections,
    current_setting('max_connections')::bigint as connections_max,
    d.xact_commit as commits,
    d.xact_rollback as rollbacks,
    d.blks_read as blocks_read,
    d.blks_hit as blocks_hit,
    d.tup_returned as rows_returned,
    d.tup_inserted + d.tup_updated + d.tup_deleted as rows_changed,
    d.temp_bytes as temp_bytes,
    d.deadlocks as deadlocks,
    w.wal_bytes::bigint as wal_bytes,
    d.temp_files as temp_files,
    d.conflicts as conflicts,
    d.blk_read_time as block_read_ms,
    d.blk_write_time as block_write_ms,
    d.sessions as sessions,
    d.sessions_abandoned as sessions_abandoned,
    d.sessions_fatal as sessions_fatal,
    d.sessions_killed as sessions_killed,
    d.session_time as session_ms,
    d.active_time as active_ms,
    d.idle_in_transaction_time as idle_in_transaction_ms,
    c.num_timed + c.restartpoints_timed as checkpoints_timed,
    c.num_requested + c.restartpoints_req as checkpoints_requested,
    c.num_done + c.restartpoints_done as checkpoints_done,
    c.write_time as checkpoint_write_ms,
    c.sync_time as checkpoint_sync_ms,
    c.buffers_written as checkpoint_buffers,
    b.buffers_clean as buffers_cleaned,
    w.wal_records as wal_records,
    w.wal_fpi as wal_full_page_images,
    w.wal_buffers_full as wal_buffers_full,
    d.stats_reset as database_reset_at,
    b.stats_reset as shared_reset_at,
    w.stats_reset as wal_reset_at,
    c.stats_reset as checkpoint_reset_at,
    pg_postmaster_start_time() as started_at,
    pg_conf_load_time() as loaded_at,
    pg_is_in_recovery() as is_standby,
    current_setting('track_io_timing') = 'on' as times_io,
    has_function_privilege('pg_control_system()', 'execute')
        and has_function_privilege('pg_control_checkpoint()', 'execute') as tells_identity
from pg_stat_database d
cross join pg_stat_bgwriter b
cross join pg_stat_wal w
cross join pg_stat_checkpointer c
where d.datname = current_database()
