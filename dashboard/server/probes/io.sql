-- The base row is there on servers without the view, too: 16 is the first that has it.
select
    pg_postmaster_start_time() as started_at,
    current_setting('track_io_timing') = 'on' as times_io,
    current_setting('track_wal_io_timing') = 'on' as times_wal_io,
    i.backend_type,
    i.object,
    i.context,
    i.reads,
    i.read_bytes::bigint as read_bytes,
    i.read_time as read_ms,
    i.writes,
    i.write_bytes::bigint as write_bytes,
    i.write_time as write_ms,
    i.extends,
    i.extend_bytes::bigint as extend_bytes,
    i.hits,
    i.evictions,
    i.reuses,
    i.fsyncs,
    i.fsync_time as fsync_ms,
    i.stats_reset as reset_at
from (values (1)) base
left join pg_stat_io i
    on greatest(i.reads, i.writes, i.extends, i.hits, i.evictions, i.reuses, i.fsyncs) > 0
order by i.backend_type, i.object, i.context
