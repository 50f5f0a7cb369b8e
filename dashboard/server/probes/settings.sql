select
    s.name,
    case
        when s.name in (
            'primary_conninfo', 'archive_command', 'restore_command', 'archive_cleanup_command',
            'recovery_end_command', 'ssl_passphrase_command'
        ) and s.reset_val <> '' then 'hidden, fingerprint ' || left(md5(s.reset_val), 8)
        else s.reset_val
    end as value,
    s.unit,
    case when s.source = 'session' then 'unknown' else s.source end as source,
    s.boot_val as default_value,
    s.pending_restart,
    s.category,
    s.context,
    s.short_desc as description,
    regexp_replace(s.sourcefile, '.*[/\\]', '') || ':' || s.sourceline as place
from pg_settings s
where s.source not in ('client', 'user', 'database user')
    and s.name not in (
        'application_name', 'client_encoding', 'is_superuser', 'session_authorization', 'role',
        'transaction_deferrable', 'transaction_isolation', 'transaction_read_only', 'in_hot_standby'
    )
    and (s.category <> 'Customized Options' or s.name ~ '^(pg_|auto_explain\.|plpgsql\.)')
order by s.name
limit 2000
