select
    current_setting('server_version_num')::int as server_version,
    current_setting('server_version') as version_text,
    current_user::text as role,
    current_database()::text as database,
    r.rolsuper as is_superuser,
    r.rolcreaterole as can_create_roles,
    r.rolcreatedb as can_create_databases,
    r.rolreplication as can_replicate,
    r.rolbypassrls as bypasses_row_security,
    array(
        select m.rolname::text
        from pg_roles m
        where m.rolname in (
            'pg_execute_server_program', 'pg_write_server_files', 'pg_read_server_files', 'pg_write_all_data',
            'pg_read_all_data', 'pg_signal_backend', 'pg_signal_autovacuum_worker', 'pg_maintain', 'pg_checkpoint',
            'pg_create_subscription'
        ) and not r.rolsuper and pg_has_role(r.oid, m.oid, 'member')
        order by m.rolname
    ) as strong_roles,
    (select count(*) from pg_class c where c.relowner = r.oid) as owned_relations,
    pg_has_role(current_user, 'pg_read_all_stats', 'usage') as reads_all_stats,
    pg_has_role(current_user, 'pg_read_all_settings', 'usage') as reads_all_settings,
    (select s.setting from pg_settings s where s.name = 'shared_preload_libraries') as preloaded,
    (select s.setting = 'on' from pg_settings s where s.name = 'track_io_timing') as times_io,
    (select s.setting = 'on' from pg_settings s where s.name = 'track_counts') as counts,
    (select s.setting from pg_settings s where s.name = 'pg_stat_statements.track') as statements_track,
    pg_is_in_recovery() as is_standby,
    (select s.ssl from pg_stat_ssl s where s.pid = pg_backend_pid()) as is_encrypted,
    inet_server_addr() is null as is_socket
from pg_roles r
where r.rolname = current_user
