-- The timeline of a primary is that of the WAL it writes; the control file tells it only from the next checkpoint on.
select
    s.system_identifier::text as system_identifier,
    case
        when pg_is_in_recovery() then c.timeline_id::bigint
        else ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int::bigint
    end as timeline
from pg_control_system() s
cross join pg_control_checkpoint() c
