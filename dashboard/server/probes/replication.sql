-- One row: where this server stands, who follows it, which slots hold its WAL, and what it subscribes to itself.
with here as materialized (
    select
        pg_is_in_recovery() as is_standby,
        case
            when pg_is_in_recovery() then greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn())
            else pg_current_wal_lsn()
        end as lsn
)
select
    h.is_standby,
    current_user::text as role,
    jsonb_build_object(
        'asked_at', clock_timestamp(),
        'lsn', h.lsn,
        'asked_primary', h.is_standby and pg_last_wal_receive_lsn() is not null,
        'unreplayed_bytes',
            case when h.is_standby then pg_wal_lsn_diff(h.lsn, pg_last_wal_replay_lsn())::bigint end,
        'replayed_at', case when h.is_standby then pg_last_xact_replay_timestamp() end,
        'pause', case when h.is_standby then pg_get_wal_replay_pause_state() end,
        'feedback', current_setting('hot_standby_feedback') = 'on',
        'apply_delay', current_setting('recovery_min_apply_delay'),
        'archiving', current_setting('archive_mode'),
        'archive_failed_at', a.last_failed_time,
        'archived_at', a.last_archived_time,
        'receiver', (
            select to_jsonb(one)
            from (
                select
                    w.pid is not null as is_there,
                    w.status,
                    w.sender_host,
                    w.sender_port,
                    w.slot_name,
                    w.last_msg_receipt_time as heard_at,
                    pg_wal_lsn_diff(w.latest_end_lsn, w.flushed_lsn)::bigint as unreceived_bytes
                from pg_stat_wal_receiver w
                limit 1
            ) one
        )
    ) as position,
    coalesce((
        select jsonb_agg(to_jsonb(one))
        from (
            select
                s.pid,
                left(s.application_name, 120) as application,
                s.usename as username,
                host(s.client_addr) as address,
                s.state,
                s.sync_state,
                s.backend_start as started_at,
                s.reply_time as replied_at,
                pg_wal_lsn_diff(h.lsn, s.sent_lsn)::bigint as unsent_bytes,
                pg_wal_lsn_diff(h.lsn, s.write_lsn)::bigint as unwritten_bytes,
                pg_wal_lsn_diff(h.lsn, s.flush_lsn)::bigint as unflushed_bytes,
                pg_wal_lsn_diff(h.lsn, s.replay_lsn)::bigint as unreplayed_bytes,
                extract(epoch from s.write_lag) * 1000 as write_lag_ms,
                extract(epoch from s.flush_lag) * 1000 as flush_lag_ms,
                extract(epoch from s.replay_lag) * 1000 as replay_lag_ms
            from pg_stat_replication s
            order by s.application_name, s.backend_start
            limit 50
        ) one
    ), '[]') as senders,
    coalesce((
        select jsonb_agg(to_jsonb(one))
        from (
            select
                r.slot_name as name,
                r.slot_type as kind,
                r.plugin,
                r.database,
                r.temporary as is_temporary,
                r.active as is_active,
                r.active_pid,
                age(r.xmin) as xmin_age,
                age(r.catalog_xmin) as catalog_xmin_age,
                r.wal_status,
                r.safe_wal_size as safe_bytes,
                pg_wal_lsn_diff(h.lsn, r.restart_lsn)::bigint as held_bytes,
                pg_wal_lsn_diff(h.lsn, r.confirmed_flush_lsn)::bigint as unconfirmed_bytes,
                r.restart_lsn is not null as was_used,
                r.inactive_since,
                r.invalidation_reason,
                r.conflicting as is_conflicting
            from pg_replication_slots r
            order by pg_wal_lsn_diff(h.lsn, r.restart_lsn) desc nulls last, r.slot_name
            limit 50
        ) one
    ), '[]') as slots,
    coalesce((
        select jsonb_agg(to_jsonb(one))
        from (
            select
                s.subname as name,
                u.subenabled as is_enabled,
                s.pid is not null as is_running,
                s.latest_end_time as heard_at,
                (select e.apply_error_count from pg_stat_subscription_stats e where e.subid = s.subid) as apply_errors
            from pg_stat_subscription s
            join pg_subscription u on u.oid = s.subid
            where s.relid is null
                and u.subdbid = (select d.oid from pg_database d where d.datname = current_database())
            order by s.subname
            limit 50
        ) one
    ), '[]') as subscriptions,
    (
        select jsonb_build_object(
            'tablespace', c.confl_tablespace,
            'lock', c.confl_lock,
            'snapshot', c.confl_snapshot,
            'bufferpin', c.confl_bufferpin,
            'deadlock', c.confl_deadlock,
            'logical_slot', c.confl_active_logicalslot
        )
        from pg_stat_database_conflicts c
        where c.datname = current_database()
    ) as conflicts
from here h
cross join pg_stat_archiver a
