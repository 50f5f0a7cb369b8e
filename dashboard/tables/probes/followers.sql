-- Servers that follow this one and answer questions of their own, as far as it knows: connected ones, and slots of those away.
select
    pg_is_in_recovery() as is_standby,
    (
        select count(*)
        from pg_catalog.pg_stat_replication r
        left join pg_catalog.pg_replication_slots s
            on s.active_pid = r.pid
        where
            s.slot_type is distinct from 'logical'
            and r.state is distinct from 'backup'
            and r.application_name is distinct from 'pg_receivewal'
    ) + (
        select count(*)
        from pg_catalog.pg_replication_slots s
        where
            s.slot_type = 'physical'
            and not s.active
            and s.restart_lsn is not null
    ) as followers
