-- The entries of this database, unordered: sorting thousands each minute helps nobody. Texts stay where they are:
-- reading them means reading the server's whole text file. Untimed I/O is unknown, not zero.
select s.userid,
       s.toplevel,
       s.queryid,
       s.calls,
       s.total_exec_time as total_ms,
       s.stddev_exec_time as stddev_ms,
       s.rows,
       s.shared_blks_hit as shared_hit,
       s.shared_blks_read as shared_read,
       s.temp_blks_read + s.temp_blks_written as temp_blocks,
       s.wal_bytes::bigint as wal_bytes,
       case
         when (select pg_catalog.current_setting('track_io_timing')::boolean)
         then s.shared_blk_read_time + s.shared_blk_write_time
       end as io_ms,
       s.stats_since as stats_since,
       s.max_exec_time as max_ms,
       s.minmax_stats_since as max_since
  from public.pg_stat_statements(false) as s
 where s.dbid = (select d.oid from pg_catalog.pg_database as d where d.datname = pg_catalog.current_database());
