-- Who answers, by its own clock, and what pg_stat_statements itself lost. The watching role is ours alone when it
-- is no superuser and owns nothing here: then what it runs is left out.
select pg_catalog.clock_timestamp() as read_at,
       pg_catalog.pg_postmaster_start_time() as started_at,
       d.oid as dbid,
       i.dealloc as evictions,
       i.stats_reset as stats_reset_at,
       r.oid as role_oid,
       r.rolname as role_name,
       not r.rolsuper
       and d.datdba <> r.oid
       and not exists (select from pg_catalog.pg_class as c where c.relowner = r.oid and c.oid >= 16384) as role_is_ours
  from public.pg_stat_statements_info as i
 cross join pg_catalog.pg_database as d
 cross join pg_catalog.pg_roles as r
 where d.datname = pg_catalog.current_database()
   and r.rolname = current_user;
