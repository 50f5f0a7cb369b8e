-- Where the transaction and multixact counters stand, the settings that judge ages, and who vacuums against wraparound.
select
    pg_is_in_recovery() as is_standby,
    pg_has_role(current_user, 'pg_read_all_stats', 'USAGE') as sees_sessions,
    cast(cast(pg_snapshot_xmax(pg_current_snapshot()) as text) as bigint) as next_xid,
    (cast(cast(d.datminmxid as text) as bigint) + mxid_age(d.datminmxid)) % 4294967296 as next_multixact,
    (
        select json_object_agg(s.name, s.setting)
        from pg_catalog.pg_settings s
        where
            s.name like 'autovacuum%'
            or s.name in ('track_counts', 'vacuum_failsafe_age', 'vacuum_multixact_failsafe_age')
    ) as settings,
    (
        select count(*)
        from pg_catalog.pg_stat_activity a
        where a.backend_type = 'autovacuum worker' and a.query like '%(to prevent wraparound)%'
    ) as wraparound_vacuums
from pg_catalog.pg_database d
where d.datname = current_database()
